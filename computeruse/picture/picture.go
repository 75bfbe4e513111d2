// Package picture turns pictures of a screen into files: PNG, JPEG or WebP,
// smaller where that is asked for.
package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"

	"github.com/deepteams/webp"
	"golang.org/x/image/draw"
)

// Format is a format of files.
type Format string

// The formats. PNG keeps every pixel as it is; the others have a quality.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp"
)

const (
	// DefaultQuality is that of formats that have one, of 100.
	DefaultQuality = 85

	// MinScale is the strongest reduction.
	MinScale = 0.1
)

// ParseFormat reads the name of a format; "" is PNG.
func ParseFormat(name string) (Format, error) {
	switch name {
	case "", "png", "PNG":
		return PNG, nil
	case "jpeg", "jpg", "JPEG", "JPG":
		return JPEG, nil
	case "webp", "WEBP", "WebP":
		return WebP, nil
	}
	return "", fmt.Errorf("format must be png, jpeg or webp, not %.20q", name)
}

// Scale returns the picture with its sides times factor, at least a pixel each.
// Precondition: factor is from MinScale to 1.
func Scale(picture *image.RGBA, factor float64) *image.RGBA {
	if factor == 1 {
		return picture
	}
	width := max(1, int(math.Round(float64(picture.Rect.Dx())*factor)))
	height := max(1, int(math.Round(float64(picture.Rect.Dy())*factor)))
	small := image.NewRGBA(image.Rect(0, 0, width, height))
	// It takes the mean of what falls together, so that text stays readable.
	draw.BiLinear.Scale(small, small.Rect, picture, picture.Rect, draw.Src, nil)
	return small
}

// Encode returns the picture as a file. The quality, from 1 to 100, is for
// formats that have one. The picture must be opaque.
func Encode(picture *image.RGBA, format Format, quality int) ([]byte, error) {
	var out bytes.Buffer
	var err error
	switch format {
	case JPEG:
		err = jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality})
	case WebP:
		options := webp.DefaultOptions()
		options.Quality = float32(quality)
		options.Method = 0 // the fastest: the next ones gain little on screens
		err = webp.Encode(&out, picture, options)
	default:
		err = encodePNG(&out, picture)
	}
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", format, err)
	}
	return out.Bytes(), nil
}
