package wire

import "time"

// The values of Recording.Status.
const (
	RecordingActive    = "active"
	RecordingCompleted = "completed"
	RecordingFailed    = "failed" // it ended early; what was recorded until then plays
)

// Recording is a film of the screen.
type Recording struct {
	ID              string     `json:"id"`
	FileName        string     `json:"fileName"`
	FilePath        string     `json:"filePath"`
	StartTime       time.Time  `json:"startTime"`
	EndTime         *time.Time `json:"endTime,omitempty"`
	Status          string     `json:"status"`
	DurationSeconds *float64   `json:"durationSeconds,omitempty"`
	SizeBytes       *int64     `json:"sizeBytes,omitempty"`
}

// StartRecordingRequest asks for a recording. Name is what some documents call
// Label.
type StartRecordingRequest struct {
	Label string `json:"label,omitempty"`
	Name  string `json:"name,omitempty"`
}

// StopRecordingRequest names the recording to stop.
type StopRecordingRequest struct {
	ID string `json:"id"`
}

// ListRecordingsResponse lists recordings, the newest first.
type ListRecordingsResponse struct {
	Recordings []Recording `json:"recordings"`
}
