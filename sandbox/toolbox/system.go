package toolbox

import (
	"crypto/sha256"
	"math"
	"net/http"
	"slices"
	"strconv"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

func (t *Toolbox) updateEnv(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.UpdateEnvRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	if err := t.guest.update(q); err != nil {
		return err
	}
	return answer.JSON(w, http.StatusOK, map[string]string{"message": "processes that start from now on have the new environment"})
}

// initialize makes the toolbox accept a second token besides the one that it was
// made with, in place of an earlier second one. The first always stays: whoever
// holds the sandbox cannot be locked out of it.
func (t *Toolbox) initialize(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.InitializeRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	if q.Token == "" {
		return answer.BadRequest("token is missing")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.tokens) > 0 {
		t.tokens = append(t.tokens[:1:1], sha256.Sum256([]byte(q.Token)))
	}
	return answer.JSON(w, http.StatusOK, map[string]string{"message": "the toolbox is ready"})
}

func (t *Toolbox) ports(w http.ResponseWriter, r *http.Request) error {
	ports, err := t.guest.Ports(r.Context())
	if err != nil {
		return err
	}
	if ports == nil {
		ports = []int{}
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.PortList{Ports: ports})
}

func (t *Toolbox) portInUse(w http.ResponseWriter, r *http.Request) error {
	port, err := parsePort(r.PathValue("port"))
	if err != nil {
		return err
	}
	ports, err := t.guest.Ports(r.Context())
	if err != nil {
		return err
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.IsPortInUseResponse{IsInUse: slices.Contains(ports, port)})
}

func parsePort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > math.MaxUint16 {
		return 0, answer.BadRequest("port must be a number from 1 to %d, not %q", math.MaxUint16, text)
	}
	return port, nil
}

func (t *Toolbox) metrics(w http.ResponseWriter, r *http.Request) error {
	m, err := t.guest.Metrics(r.Context())
	if err != nil {
		return err
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.SystemMetrics{
		CPUCount: int(math.Ceil(m.CPUCount)), CPUUsedPct: t.cpuSince(m),
		MemTotal: m.MemoryLimit, MemUsed: m.MemoryBytes, MemCache: m.MemoryCache,
		DiskTotal: m.DiskLimit, DiskUsed: m.DiskBytes, DiskFree: max(0, m.DiskLimit-m.DiskBytes),
		Timestamp: m.At.UTC(), TimestampUnix: m.At.Unix(),
	})
}

// cpuSince returns how much of its cores the sandbox has used since the reading
// before, in percent; 0 for the first.
func (t *Toolbox) cpuSince(m guest.Metrics) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.last
	t.last = reading{m.At, m.CPUSeconds}
	elapsed := m.At.Sub(last.at).Seconds()
	if last.at.IsZero() || elapsed <= 0 || m.CPUCount <= 0 {
		return 0
	}
	return max(0, (m.CPUSeconds-last.seconds)/elapsed/m.CPUCount*100)
}

func (t *Toolbox) homeDir(w http.ResponseWriter, r *http.Request) error {
	return answer.JSON(w, http.StatusOK, toolboxtype.UserHomeDirResponse{Dir: t.guest.Info().Home})
}

func (t *Toolbox) workDir(w http.ResponseWriter, r *http.Request) error {
	return answer.JSON(w, http.StatusOK, toolboxtype.WorkDirResponse{Dir: t.guest.Info().WorkDir})
}

func (t *Toolbox) answerVersion(w http.ResponseWriter, r *http.Request) error {
	return answer.JSON(w, http.StatusOK, map[string]string{"version": t.version})
}
