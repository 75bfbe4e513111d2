package files

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// openRegular opens what a path leads to, which must be a regular file.
func (h *Handler) openRegular(name string) (guest.File, fs.FileInfo, error) {
	info, err := h.fs.Stat(name)
	switch {
	case err != nil:
		return nil, nil, answer.FileError(name, err)
	case info.IsDir():
		return nil, nil, answer.BadRequest("%s is a folder, not a file", name)
	case !info.Mode().IsRegular():
		return nil, nil, answer.BadRequest("%s is a device, socket or pipe, not a file", name)
	}
	file, err := h.open(name)
	if err != nil {
		return nil, nil, answer.FileError(name, err)
	}
	return file, info, nil
}

// download answers with a file, or with the ranges of it that are asked for.
func (h *Handler) download(w http.ResponseWriter, r *http.Request) error {
	name, err := h.resolveQuery(r, "path")
	if err != nil {
		return err
	}
	file, info, err := h.openRegular(name)
	if err != nil {
		return err
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; "+fileNameParam(path.Base(name)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	out := &patientWriter{ResponseWriter: w, rc: http.NewResponseController(w), idle: h.limits.idle}
	defer out.done()
	if info.Size() == 0 { // or one of /proc, which do not know their size
		_, err := copyAll(out, file)
		return err
	}
	w.Header().Set("ETag", etag(info))
	http.ServeContent(out, r, "", time.Time{}, file) // the ETag is finer than Last-Modified
	return nil
}

// etag tells versions of a file apart.
func etag(info fs.FileInfo) string {
	return fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano())
}

// downloadMany answers with several files as the parts of a form: a part "file"
// for each that can be read and a part "error" for each other. An answer without
// its last boundary was cut off.
func (h *Handler) downloadMany(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.FilesDownloadRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	switch {
	case len(req.Paths) == 0:
		return answer.BadRequest("paths must name at least one file")
	case len(req.Paths) > h.limits.files:
		return answer.BadRequest("paths may name %d files at most", h.limits.files)
	}
	out := &patientWriter{ResponseWriter: w, rc: http.NewResponseController(w), idle: h.limits.idle}
	defer out.done()
	form := multipart.NewWriter(out)
	w.Header().Set("Content-Type", form.FormDataContentType())
	w.WriteHeader(http.StatusOK)
	for _, name := range req.Paths {
		if err := h.downloadPart(form, r, name); err != nil {
			panic(http.ErrAbortHandler) // so that the client sees that it is not whole
		}
	}
	return form.Close()
}

// downloadPart writes one file or its error. Its own error means that the answer
// cannot go on.
func (h *Handler) downloadPart(form *multipart.Writer, r *http.Request, asked string) error {
	name, err := h.resolve(asked)
	var file guest.File
	var info fs.FileInfo
	if err == nil {
		file, info, err = h.openRegular(name)
	}
	if err != nil {
		return errorPart(form, r, asked, err)
	}
	defer file.Close()
	header := partHeader("file", asked, "application/octet-stream")
	content := io.Reader(file)
	if info.Size() > 0 {
		header.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
		content = io.LimitReader(file, info.Size())
	}
	part, err := form.CreatePart(header)
	if err != nil {
		return err
	}
	n, err := copyAll(part, content)
	if err == nil && n < info.Size() {
		err = fmt.Errorf("%s became shorter while it was read", name)
	}
	return err
}

func errorPart(form *multipart.Writer, r *http.Request, asked string, err error) error {
	body, err := json.Marshal(answer.Body(r, answer.Public(err)))
	if err != nil {
		return err
	}
	part, err := form.CreatePart(partHeader("error", asked, "application/json"))
	if err != nil {
		return err
	}
	_, err = part.Write(body)
	return err
}

func partHeader(field, asked, contentType string) textproto.MIMEHeader {
	return textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; %s`, field, fileNameParam(asked))},
		"Content-Type":        {contentType},
	}
}

// fileNameParam returns the file name as parameters of a Content-Disposition.
// Clients find their files by it, so it must come back as it went: names that
// are not plain go in both spellings, since each is the only one to some client.
func fileNameParam(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, name)
	param := `filename="` + plain + `"`
	if plain != name || strings.ContainsFunc(name, func(r rune) bool { return r > 0x7e }) {
		param += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return param
}
