package vm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/tetratelabs/wazero/api"
)

// pageSize is the unit in which images are shared, compared and saved. Systems
// with larger pages map several of them at once.
const pageSize = 4096

// Image is the state of an instance between two calls of its exports: its memory
// and its mutable globals. Instances that go on from it share its memory until
// they write to it. It is immutable.
//
// What an image cannot hold: open files, and the table of functions, which the
// module must not change.
type Image struct {
	// Facts are numbers that the driver notes for those who go on from the image,
	// such as addresses in it. They are kept with it.
	Facts map[string]uint64

	id      [sha256.Size]byte // of the memory
	globals map[string]uint64
	memory  *imageFile
}

// Size returns the size of the memory in bytes.
func (i *Image) Size() int64 { return int64(len(i.memory.bytes)) }

// Capture takes an image of the guest as it is now. It is for host functions and
// bodies of modules that were loaded with LoadOptions.Images. When it is taken in
// the middle of a call, the frames of that call are not in it: the run is
// expected to end without returning to the guest.
func (r *Run) Capture() (*Image, error) {
	if r.module.globals == nil {
		return nil, fmt.Errorf("%s was not loaded for images", r.module.name)
	}
	mem, _ := r.guest.Memory().Read(0, r.guest.Memory().Size())
	file, err := newImageFile(mem)
	if err != nil {
		return nil, fmt.Errorf("keep an image: %w", err)
	}
	return &Image{
		Facts: map[string]uint64{}, id: sha256.Sum256(mem), memory: file,
		globals: readGlobals(r.guest, r.module.globals),
	}, nil
}

func readGlobals(guest api.Module, names []string) map[string]uint64 {
	values := make(map[string]uint64, len(names))
	for _, name := range names {
		values[name] = guest.ExportedGlobal(name).Get()
	}
	return values
}

// LoadImage loads the module that an image was taken of, with the same options,
// in a form whose instances go on from the image. Doing so again returns the same
// Module. Two modules with different images share their machine code when these
// have the same size. The image is closed with the Host.
func (h *Host) LoadImage(ctx context.Context, name string, source Source, opts LoadOptions, image *Image) (*Module, error) {
	opts.imagePages = uint32(image.Size() / wasmPage)
	shared, err := h.Load(ctx, name, source, opts)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.imaged {
		if m.image == image && m.key == shared.key {
			return m, nil
		}
	}
	m := *shared
	m.image, m.slots = image, newSlots(h, image)
	m.ready = &readyGuests{module: &m, most: readyPerCPU * h.cfg.CPUs}
	m.idle = &idleInstances{most: readyPerCPU * h.cfg.CPUs}
	h.imaged = append(h.imaged, &m)
	return &m, nil
}

// Image returns the image that the cache folder has under key, which names
// everything that the image depends on besides this package and the form of modules,
// by whose names it keeps globals. When there is none,
// make is called for one, and it is kept. All who ask for a key get the same
// Image.
func (h *Host) Image(key string, make func() (*Image, error)) (*Image, error) {
	h.mu.Lock()
	kept := h.kept[key]
	if kept == nil {
		kept = &keptImage{}
		h.kept[key] = kept
	}
	h.mu.Unlock()
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.image != nil {
		return kept.image, nil
	}
	var err error
	kept.image, err = h.cachedImage(key, make)
	return kept.image, err
}

// keptImage is an image that was asked for by its key.
type keptImage struct {
	mu    sync.Mutex // held while it is opened or made
	image *Image
}

func (h *Host) cachedImage(key string, make func() (*Image, error)) (*Image, error) {
	sum := sha256.Sum256([]byte("image " + imageVersion + "; " + Version() + "; " + key))
	dir, err := h.openFolder(h.cfg.CacheDir, fmt.Sprintf("%x", sum))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "image")
	image, err := openImage(file)
	if err == nil {
		return image, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		h.cfg.Log.Warn("an image in the cache cannot be used and is made again", "file", file, "error", err)
	}
	if image, err = make(); err != nil {
		return nil, err
	}
	if err := image.save(file); err != nil {
		h.cfg.Log.Warn("an image could not be kept and will be made again at the next start", "file", file, "error", err)
	}
	return image, nil
}

// imageVersion changes with what an image file holds.
const imageVersion = "1"

// imageMagic ends an image file. Before it come the length of the trailer, the
// trailer as JSON, and, from the file's start so that it can be mapped, the
// memory.
const imageMagic = "spimage1"

type imageTrailer struct {
	Size    int64             `json:"size"`
	ID      []byte            `json:"id"`
	Globals map[string]uint64 `json:"globals"`
	Facts   map[string]uint64 `json:"facts"`
}

// save writes the image so that there is all of it or nothing.
func (i *Image) save(file string) error {
	trailer, err := json.Marshal(imageTrailer{Size: i.Size(), ID: i.id[:], Globals: i.globals, Facts: i.Facts})
	if err != nil {
		return err
	}
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(len(trailer)))
	trailer = append(trailer, imageMagic...)
	f, err := os.CreateTemp(filepath.Dir(file), "new-")
	if err != nil {
		return err
	}
	err = writeSparse(f, i.memory.bytes)
	if err == nil {
		_, err = f.WriteAt(trailer, i.Size())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// writeSparse writes b at the start of an empty file, with holes for zeros.
func writeSparse(f *os.File, b []byte) error {
	if err := f.Truncate(int64(len(b))); err != nil {
		return err
	}
	for at := 0; at < len(b); at += pageSize {
		page := b[at:min(at+pageSize, len(b))]
		if bytes.Equal(page, zeroPage[:len(page)]) {
			continue
		}
		if _, err := f.WriteAt(page, int64(at)); err != nil {
			return err
		}
	}
	return nil
}

var zeroPage [pageSize]byte

var errDamaged = errors.New("the file is damaged")

// openImage opens what save wrote.
func openImage(name string) (*Image, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := readTrailer(f)
	if err != nil {
		return nil, err
	}
	memory, err := openImageFile(f, t.Size)
	if err != nil {
		return nil, err
	}
	i := &Image{Facts: t.Facts, globals: t.Globals, memory: memory}
	if i.id = sha256.Sum256(memory.bytes); !bytes.Equal(i.id[:], t.ID) {
		return nil, errors.Join(errDamaged, memory.close())
	}
	return i, nil
}

func readTrailer(f *os.File) (t imageTrailer, err error) {
	info, err := f.Stat()
	if err != nil {
		return t, err
	}
	var end [4 + len(imageMagic)]byte
	if _, err := f.ReadAt(end[:], info.Size()-int64(len(end))); err != nil || string(end[4:]) != imageMagic {
		return t, errDamaged
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	from := info.Size() - int64(len(end)) - n
	if from < 0 || n > 1<<20 {
		return t, errDamaged
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, from); err != nil {
		return t, err
	}
	if json.Unmarshal(b, &t) != nil || t.Size != from || t.Size%wasmPage != 0 {
		return t, errDamaged
	}
	return t, nil
}
