// Package daytona has the signatures of the SDK's reference that the playground's code uses.
package daytona

import (
	"context"

	"github.com/daytonaio/daytona/libs/sdk-go/pkg/types"
)

type (
	Client  struct{}
	Sandbox struct {
		ID          string
		FileSystem  *FileSystemService
		Git         *GitService
		Process     *ProcessService
		ComputerUse *ComputerUseService
	}
	FileSystemService  struct{}
	GitService         struct{}
	ProcessService     struct{}
	ComputerUseService struct{}
	DisplayService     struct{}
	KeyboardService    struct{}
	MouseService       struct{}
	ScreenshotService  struct{}
)

func NewClientWithConfig(*types.DaytonaConfig) (*Client, error) { return nil, nil }
func (*Client) Create(ctx context.Context, params any, opts ...func(any)) (*Sandbox, error) {
	return nil, nil
}
func (*Sandbox) Delete(ctx context.Context) error { return nil }

func (*FileSystemService) CreateFolder(ctx context.Context, path string, opts ...func(any)) error {
	return nil
}
func (*FileSystemService) UploadFile(ctx context.Context, source any, destination string) error {
	return nil
}
func (*FileSystemService) ListFiles(ctx context.Context, path string) ([]*types.FileInfo, error) {
	return nil, nil
}
func (*FileSystemService) DownloadFile(ctx context.Context, remote string, local *string) ([]byte, error) {
	return nil, nil
}
func (*FileSystemService) DeleteFile(ctx context.Context, path string, recursive bool) error {
	return nil
}

func (*GitService) Clone(ctx context.Context, url, path string, opts ...func(any)) error { return nil }
func (*GitService) Status(ctx context.Context, path string) (*types.GitStatus, error) {
	return nil, nil
}
func (*GitService) Branches(ctx context.Context, path string) ([]string, error) { return nil, nil }

func (*ProcessService) ExecuteCommand(ctx context.Context, command string, opts ...func(any)) (*types.ExecuteResponse, error) {
	return nil, nil
}
func (*ProcessService) CreateSession(ctx context.Context, id string) error { return nil }
func (*ProcessService) DeleteSession(ctx context.Context, id string) error { return nil }
func (*ProcessService) ExecuteSessionCommand(ctx context.Context, id, command string, async, quiet bool) (map[string]any, error) {
	return nil, nil
}
func (*ProcessService) GetSessionCommandLogs(ctx context.Context, id, command string) (map[string]any, error) {
	return nil, nil
}

func (*ComputerUseService) Start(ctx context.Context) error { return nil }
func (*ComputerUseService) Display() *DisplayService        { return nil }
func (*ComputerUseService) Keyboard() *KeyboardService      { return nil }
func (*ComputerUseService) Mouse() *MouseService            { return nil }
func (*ComputerUseService) Screenshot() *ScreenshotService  { return nil }

func (*DisplayService) GetInfo(ctx context.Context) (map[string]any, error)    { return nil, nil }
func (*DisplayService) GetWindows(ctx context.Context) (map[string]any, error) { return nil, nil }

func (*KeyboardService) Type(ctx context.Context, text string, delay *int) error         { return nil }
func (*KeyboardService) Press(ctx context.Context, key string, modifiers []string) error { return nil }
func (*KeyboardService) Hotkey(ctx context.Context, keys string) error                   { return nil }
func (*MouseService) GetPosition(ctx context.Context) (map[string]any, error)            { return nil, nil }
func (*MouseService) Move(ctx context.Context, x, y int) (map[string]any, error)         { return nil, nil }
func (*MouseService) Click(ctx context.Context, x, y int, button *string, double *bool) (map[string]any, error) {
	return nil, nil
}
func (*MouseService) Drag(ctx context.Context, startX, startY, endX, endY int, button *string) (map[string]any, error) {
	return nil, nil
}
func (*MouseService) Scroll(ctx context.Context, x, y int, direction string, amount *int) (bool, error) {
	return false, nil
}

func (*ScreenshotService) TakeFullScreen(ctx context.Context, showCursor *bool) (*types.ScreenshotResponse, error) {
	return nil, nil
}
func (*ScreenshotService) TakeRegion(ctx context.Context, region types.ScreenshotRegion, showCursor *bool) (*types.ScreenshotResponse, error) {
	return nil, nil
}
