package picture

import (
	"encoding/binary"
	"hash/crc32"
	"image"
	"io"

	"github.com/klauspost/compress/zlib"
)

// encodePNG writes an opaque picture. The standard library's encoder tries five
// filters on every row; on screens, which are flat areas and text, one that
// subtracts the pixel to the left does as well in a quarter of the time.
func encodePNG(w io.Writer, picture *image.RGBA) error {
	width, height := picture.Rect.Dx(), picture.Rect.Dy()
	if _, err := io.WriteString(w, "\x89PNG\r\n\x1a\n"); err != nil {
		return err
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	header = append(header, 8, 2, 0, 0, 0) // bits of a sample, RGB, and the only ways of all else
	if err := writeChunk(w, "IHDR", header); err != nil {
		return err
	}
	data := &chunkWriter{w: w}
	deflate, err := zlib.NewWriterLevel(data, zlib.BestSpeed)
	if err != nil {
		return err
	}
	row := make([]byte, 1+3*width)
	for y := range height {
		filterRow(row, picture.Pix[y*picture.Stride:][:4*width])
		if _, err := deflate.Write(row); err != nil {
			return err
		}
	}
	if err := deflate.Close(); err != nil {
		return err
	}
	if err := data.flush(); err != nil {
		return err
	}
	return writeChunk(w, "IEND", nil)
}

// filterRow makes a row of PNG of one of RGBA, with the filter "Sub".
func filterRow(row, rgba []byte) {
	row[0] = 1
	out := row[1:]
	var r, g, b byte
	for len(rgba) >= 4 && len(out) >= 3 {
		out[0], out[1], out[2] = rgba[0]-r, rgba[1]-g, rgba[2]-b
		r, g, b = rgba[0], rgba[1], rgba[2]
		rgba, out = rgba[4:], out[3:]
	}
}

// chunkWriter writes the picture's data in chunks.
type chunkWriter struct {
	w   io.Writer
	buf []byte
}

const chunkSize = 64 << 10

// Write implements io.Writer.
func (c *chunkWriter) Write(p []byte) (int, error) {
	c.buf = append(c.buf, p...)
	if len(c.buf) < chunkSize {
		return len(p), nil
	}
	return len(p), c.flush()
}

func (c *chunkWriter) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	err := writeChunk(c.w, "IDAT", c.buf)
	c.buf = c.buf[:0]
	return err
}

// writeChunk writes a part of a PNG file.
func writeChunk(w io.Writer, name string, data []byte) error {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	head = append(head, name...)
	sum := crc32.NewIEEE()
	_, _ = sum.Write(head[4:])
	_, _ = sum.Write(data)
	for _, part := range [][]byte{head, data, binary.BigEndian.AppendUint32(nil, sum.Sum32())} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
