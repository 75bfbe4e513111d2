package files

import (
	"errors"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
	"strings"

	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// upload writes the body, or the part "file" of a form, to a file.
func (h *Handler) upload(w http.ResponseWriter, r *http.Request) error {
	_, err := h.receive(w, r)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// uploadV2 is upload with an answer that describes the file.
func (h *Handler) uploadV2(w http.ResponseWriter, r *http.Request) error {
	name, err := h.receive(w, r)
	if err != nil {
		return err
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.UploadedFile{Name: path.Base(name), Path: name, Type: "file"})
}

func (h *Handler) receive(w http.ResponseWriter, r *http.Request) (name string, err error) {
	if name, err = h.resolveQuery(r, "path"); err != nil {
		return "", err
	}
	body := h.body(w, r)
	defer body.done()
	content := io.Reader(body)
	if form, err := formOf(r, body); err != nil {
		return "", err
	} else if form != nil {
		if content, err = fileOfForm(form); err != nil {
			return "", err
		}
	}
	s, err := h.write(name, content, body)
	if err != nil {
		return "", err
	}
	defer s.discard()
	if err := h.checkConditions(r, name); err != nil {
		return "", err
	}
	// Of what was written, not of what is there afterwards: that may already be
	// somebody else's.
	written, err := h.fs.Stat(s.part)
	if err == nil {
		err = s.commit()
	}
	if err != nil {
		return "", answer.FileError(name, err)
	}
	w.Header().Set("ETag", etag(written))
	return name, nil
}

// checkConditions refuses to replace a file that is not as its writer believes:
// If-Match has the ETag that the download had, If-None-Match: * means a file that
// is not there yet. It is looked at when the whole content has arrived, right
// before it takes its place.
func (h *Handler) checkConditions(r *http.Request, name string) error {
	want, fresh := r.Header.Get("If-Match"), r.Header.Get("If-None-Match") == "*"
	if want == "" && !fresh {
		return nil
	}
	info, err := h.fs.Stat(name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return answer.FileError(name, err)
	case fresh && err == nil:
		return answer.Errorf(http.StatusPreconditionFailed, "CONFLICT", "%s is there already", name)
	case want != "" && err != nil:
		return answer.Errorf(http.StatusPreconditionFailed, "CONFLICT", "%s is no longer there", name)
	case want != "" && want != etag(info):
		return answer.Errorf(http.StatusPreconditionFailed, "CONFLICT", "%s was changed by somebody else since it was opened", name)
	}
	return nil
}

// write stages a file's whole content.
func (h *Handler) write(name string, content io.Reader, body *patientReader) (*stage, error) {
	s, err := h.stage(name)
	if err != nil {
		return nil, answer.FileError(name, err)
	}
	if _, err = copyAll(s.file, content); err == nil {
		err = s.close()
	}
	switch {
	case err == nil:
		return s, nil
	case body.err != nil, errors.Is(err, io.ErrUnexpectedEOF):
		err = bodyError(err)
	}
	s.discard()
	return nil, answer.FileError(name, err)
}

// formOf returns a reader of the body's parts, or nil when it is not a form.
func formOf(r *http.Request, body io.Reader) (*multipart.Reader, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, nil
	}
	if params["boundary"] == "" {
		return nil, answer.BadRequest("the Content-Type multipart/form-data needs a boundary")
	}
	return multipart.NewReader(body, params["boundary"]), nil
}

// fileOfForm returns the part "file".
func fileOfForm(form *multipart.Reader) (io.Reader, error) {
	for {
		part, err := form.NextPart()
		switch {
		case err == io.EOF:
			return nil, answer.BadRequest("the form has no part named file")
		case err != nil:
			return nil, bodyError(err)
		case part.FormName() == "file":
			return part, nil
		}
	}
}

// uploadMany writes several files from a form with files[i].path before each
// files[i].file. All of them take their places when the last has arrived, or
// none does.
func (h *Handler) uploadMany(w http.ResponseWriter, r *http.Request) error {
	body := h.body(w, r)
	defer body.done()
	form, err := formOf(r, body)
	if err == nil && form == nil {
		err = answer.BadRequest("send the files as multipart/form-data")
	}
	if err != nil {
		return err
	}
	b := batch{h: h, body: body, paths: map[int]string{}}
	defer b.discard()
	if err := b.receive(form); err != nil {
		return err
	}
	if len(b.stages) == 0 {
		return answer.BadRequest("the form has no files; name the parts files[0].path and files[0].file")
	}
	if err := b.commit(); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// batch is one upload of several files.
type batch struct {
	h      *Handler
	body   *patientReader
	paths  map[int]string // those whose file is yet to come
	stages []*stage
	names  []string
}

func (b *batch) receive(form *multipart.Reader) error {
	for {
		part, err := form.NextPart()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return bodyError(err)
		}
		if i, field, ok := parseField(part.FormName()); ok {
			if err := b.part(i, field, part); err != nil {
				return err
			}
		}
	}
}

// part takes one part of the form: where a file goes, or a file.
func (b *batch) part(i int, field string, part io.Reader) error {
	if field == "path" {
		text, err := io.ReadAll(io.LimitReader(part, answer.MaxPath+1))
		if err != nil {
			return bodyError(err)
		}
		if len(b.paths)+len(b.stages) >= b.h.limits.files {
			return answer.BadRequest("one upload may have %d files at most", b.h.limits.files)
		}
		b.paths[i], err = b.h.resolve(string(text))
		return err
	}
	name, ok := b.paths[i]
	if !ok {
		return answer.BadRequest("files[%d].path must come before files[%d].file", i, i)
	}
	delete(b.paths, i)
	s, err := b.h.write(name, part, b.body)
	if err != nil {
		return err
	}
	b.stages, b.names = append(b.stages, s), append(b.names, name)
	return nil
}

func (b *batch) commit() error {
	for i, s := range b.stages {
		if err := s.commit(); err != nil {
			return answer.FileError(b.names[i], err)
		}
	}
	return nil
}

// discard removes what was not committed, the folders of the first files last.
func (b *batch) discard() {
	for i := len(b.stages) - 1; i >= 0; i-- {
		b.stages[i].discard()
	}
}

// parseField reads a form's field name, such as files[3].path.
func parseField(name string) (i int, field string, ok bool) {
	rest, ok := strings.CutPrefix(name, "files[")
	if !ok {
		return 0, "", false
	}
	number, field, ok := strings.Cut(rest, "].")
	if !ok || field != "path" && field != "file" {
		return 0, "", false
	}
	i, err := strconv.Atoi(number)
	return i, field, err == nil && i >= 0
}
