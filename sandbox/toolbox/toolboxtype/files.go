package toolboxtype

// FileInfo describes a file or folder.
type FileInfo struct {
	Name        string `json:"name"`
	Path        string `json:"path"` // absolute
	IsDir       bool   `json:"isDir"`
	Size        int64  `json:"size"`        // in bytes
	ModTime     string `json:"modTime"`     // as Go's time.Time prints itself; for older clients
	ModifiedAt  string `json:"modifiedAt"`  // RFC 3339
	Mode        string `json:"mode"`        // as ls prints it: -rw-r--r--
	Permissions string `json:"permissions"` // octal: 0644
	Owner       string `json:"owner"`
	Group       string `json:"group"`
}

// UploadedFile is the answer to an upload.
type UploadedFile struct {
	Name string `json:"name"`
	Path string `json:"path"` // absolute
	Type string `json:"type"` // "file"
}

// UploadForm is the form of an upload.
type UploadForm struct {
	File []byte `json:"file"`
}

// UploadManyForm is the first file in the form of an upload of several; the others
// have 1, 2 and so on in the place of 0.
type UploadManyForm struct {
	Path string `json:"files[0].path"` // comes before the file
	File []byte `json:"files[0].file"`
}

// FilesDownloadRequest asks for several files in one answer.
type FilesDownloadRequest struct {
	Paths []string `json:"paths"`
}

// Match is a line of a file that contains a text.
type Match struct {
	File    string `json:"file"` // absolute
	Line    int    `json:"line"` // from 1
	Content string `json:"content"`
}

// SearchFilesResponse lists the absolute paths whose names match a pattern.
type SearchFilesResponse struct {
	Files []string `json:"files"`
}

// ReplaceRequest asks to replace a text in files.
type ReplaceRequest struct {
	Files    []string `json:"files"`
	Pattern  string   `json:"pattern"`
	NewValue *string  `json:"newValue"` // required, and may be empty
}

// ReplaceResult is what became of one file of a ReplaceRequest.
type ReplaceResult struct {
	File    string `json:"file"` // as it was asked for
	Success bool   `json:"success"`
	Error   string `json:"error,omitempty"`
}
