package toolboxtype

// GitCloneRequest asks to clone a repository.
type GitCloneRequest struct {
	URL             string `json:"url"`
	Path            string `json:"path"`
	Branch          string `json:"branch,omitempty"`
	CommitID        string `json:"commit_id,omitempty"`
	Depth           int    `json:"depth,omitempty"` // of the history; 0 for all
	Username        string `json:"username,omitempty"`
	Password        string `json:"password,omitempty"`
	InsecureSkipTLS bool   `json:"insecure_skip_tls,omitempty"`
}

// GitInitRequest asks for a new repository.
type GitInitRequest struct {
	Path          string `json:"path"`
	Bare          bool   `json:"bare,omitempty"`
	InitialBranch string `json:"initial_branch,omitempty"`
}

// GitStatus compares the last commit, the index and the working tree.
type GitStatus struct {
	CurrentBranch   string       `json:"currentBranch"` // "HEAD" when it is detached
	Detached        bool         `json:"detached"`
	Upstream        string       `json:"upstream"` // such as "origin/main"; "" for none
	BranchPublished bool         `json:"branchPublished"`
	Ahead           int          `json:"ahead"`
	Behind          int          `json:"behind"`
	FileStatus      []FileStatus `json:"fileStatus"`
}

// FileStatus is what became of a file. Staging and Worktree are one of
// Unmodified, Untracked, Modified, Added, Deleted, Renamed, Copied and "Updated
// but unmerged".
type FileStatus struct {
	Name     string `json:"name"`
	Staging  string `json:"staging"`
	Worktree string `json:"worktree"`
	Extra    string `json:"extra"` // the old name of a renamed file
}

// ListBranchResponse lists the local branches.
type ListBranchResponse struct {
	Branches []string `json:"branches"`
	Current  string   `json:"current"` // "" when HEAD is detached
}

// GitBranchRequest asks to make or to delete a branch.
type GitBranchRequest struct {
	Path string `json:"path"`
	Name string `json:"name"`
}

// GitCheckoutRequest asks to switch to a branch, tag or commit.
type GitCheckoutRequest struct {
	Path   string `json:"path"`
	Branch string `json:"branch"`
}

// GitAddRequest asks to stage files.
type GitAddRequest struct {
	Path  string   `json:"path"`
	Files []string `json:"files"` // "." for all
}

// GitCommitRequest asks to commit what is staged.
type GitCommitRequest struct {
	Path       string `json:"path"`
	Message    string `json:"message"`
	Author     string `json:"author"`
	Email      string `json:"email"`
	AllowEmpty bool   `json:"allow_empty,omitempty"`
}

// GitCommitResponse is the answer to a GitCommitRequest.
type GitCommitResponse struct {
	Hash string `json:"hash"`
}

// GitCommitInfo is one commit of a history.
type GitCommitInfo struct {
	Hash      string `json:"hash"`
	Author    string `json:"author"`
	Email     string `json:"email"`
	Message   string `json:"message"`
	Timestamp string `json:"timestamp"` // RFC 3339
}

// GitPushRequest asks to push a branch.
type GitPushRequest struct {
	Path        string `json:"path"`
	Remote      string `json:"remote,omitempty"` // "" for origin
	Branch      string `json:"branch,omitempty"` // "" for the current one
	SetUpstream bool   `json:"set_upstream,omitempty"`
	Username    string `json:"username,omitempty"`
	Password    string `json:"password,omitempty"`
}

// GitPullRequest asks to pull into the current branch.
type GitPullRequest struct {
	Path     string `json:"path"`
	Remote   string `json:"remote,omitempty"` // "" for origin
	Branch   string `json:"branch,omitempty"` // "" for the one that is followed
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
}

// GitResetRequest asks to reset a repository, or files of its index.
type GitResetRequest struct {
	Path   string   `json:"path"`
	Mode   string   `json:"mode,omitempty"`   // soft, mixed (or ""), hard, merge or keep
	Target string   `json:"target,omitempty"` // a revision; "" for HEAD
	Files  []string `json:"files,omitempty"`
}

// GitRestoreRequest asks to restore files.
type GitRestoreRequest struct {
	Path     string   `json:"path"`
	Files    []string `json:"files"`
	Staged   bool     `json:"staged,omitempty"`
	Worktree bool     `json:"worktree,omitempty"` // meant when neither is set
	Source   string   `json:"source,omitempty"`   // a revision; "" for the index
}

// GitRemote is a remote of a repository.
type GitRemote struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// ListRemotesResponse lists the remotes.
type ListRemotesResponse struct {
	Remotes []GitRemote `json:"remotes"`
}

// GitAddRemoteRequest asks to add a remote.
type GitAddRemoteRequest struct {
	Path      string `json:"path"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	Fetch     bool   `json:"fetch,omitempty"`     // from it at once
	Overwrite bool   `json:"overwrite,omitempty"` // one of that name
}

// GitConfigResponse is a setting.
type GitConfigResponse struct {
	Value *string `json:"value"` // null when it is not set
}

// GitSetConfigRequest asks to set a setting.
type GitSetConfigRequest struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Scope string `json:"scope,omitempty"` // global (or ""), local or system
	Path  string `json:"path,omitempty"`  // of a repository, for local
}

// GitConfigureUserRequest asks to set the name and address of the user.
type GitConfigureUserRequest struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Scope string `json:"scope,omitempty"` // global (or ""), local or system
	Path  string `json:"path,omitempty"`  // of a repository, for local
}

// GitAuthenticateRequest asks to keep credentials.
type GitAuthenticateRequest struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Host     string `json:"host,omitempty"`     // "" for github.com
	Protocol string `json:"protocol,omitempty"` // "" for https
}
