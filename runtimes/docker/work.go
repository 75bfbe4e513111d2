package docker

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/docker/docker/api/types/container"

	"sandpiper/sandbox"
)

// maxStats bounds what is read of a container's statistics, in bytes.
const maxStats = 1 << 20

// Work implements sandbox.Meter. The network that we plug in ourselves is counted
// at its plug, for Docker does not know of it.
func (e *Engine) Work(ctx context.Context, id string) (sandbox.Work, error) {
	if err := validateID(id); err != nil {
		return sandbox.Work{}, err
	}
	h, err := e.ready(ctx)
	if err != nil {
		return sandbox.Work{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	c, err := e.inspect(ctx, id)
	switch {
	case err != nil:
		return sandbox.Work{}, err
	case !c.State.Running:
		return sandbox.Work{}, sandbox.Errorf(sandbox.KindConflict, "sandbox %s is not started", id)
	}
	stats, err := e.statistics(ctx, id)
	if err != nil {
		return sandbox.Work{}, problem("measure the sandbox", err)
	}
	work := sandbox.Work{CPU: time.Duration(stats.CPUStats.CPUUsage.TotalUsage)}
	for _, n := range stats.Networks {
		work.SentBytes += int64(n.TxBytes)
	}
	if h.net != nil {
		sent, err := h.net.Sent(e.names.plug(id))
		if err != nil {
			return sandbox.Work{}, problem("measure the sandbox's network", err)
		}
		work.SentBytes += sent
	}
	return work, nil
}

func (e *Engine) statistics(ctx context.Context, id string) (container.StatsResponse, error) {
	var stats container.StatsResponse
	reader, err := e.api.ContainerStatsOneShot(ctx, e.names.container(id))
	if err != nil {
		return stats, err
	}
	defer reader.Body.Close()
	err = json.NewDecoder(io.LimitReader(reader.Body, maxStats)).Decode(&stats)
	return stats, err
}
