package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand"
	"testing"

	"golang.org/x/image/webp"
)

// sample is something like a screen: areas, lines and noise.
func sample(width, height int) *image.RGBA {
	r := rand.New(rand.NewSource(1))
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{230, 240, byte(200 + y%40), 255}
			if y/8%3 == 0 && r.Intn(4) == 0 {
				c = color.RGBA{20, 20, 20, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func TestPNGKeepsEveryPixel(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 300}, {301, 1}, {640, 480}} {
		want := sample(size.X, size.Y)
		data, err := Encode(want, PNG, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(bytes.NewReader(data))
		if err != nil || got.Bounds() != want.Bounds() {
			t.Fatalf("%v: %v, %v", size, got, err)
		}
		for y := range size.Y {
			for x := range size.X {
				r, g, b, _ := got.At(x, y).RGBA()
				if c := want.RGBAAt(x, y); byte(r>>8) != c.R || byte(g>>8) != c.G || byte(b>>8) != c.B {
					t.Fatalf("%v: pixel %d,%d is not the same", size, x, y)
				}
			}
		}
	}
}

func TestQuality(t *testing.T) {
	picture := sample(320, 200)
	for name, test := range map[string]struct {
		format Format
		decode func([]byte) (image.Image, error)
	}{
		"jpeg": {JPEG, func(b []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(b)) }},
		"webp": {WebP, func(b []byte) (image.Image, error) { return webp.Decode(bytes.NewReader(b)) }},
	} {
		sizes := map[int]int{}
		for _, quality := range []int{1, 50, 100} {
			data, err := Encode(picture, test.format, quality)
			if err != nil {
				t.Fatal(err)
			}
			sizes[quality] = len(data)
			got, err := test.decode(data)
			if err != nil || got.Bounds() != picture.Bounds() {
				t.Fatalf("%s %d: %v", name, quality, err)
			}
		}
		if sizes[1] >= sizes[50] || sizes[50] >= sizes[100] {
			t.Errorf("%s: the sizes are %v", name, sizes)
		}
	}
}

func TestScale(t *testing.T) {
	picture := sample(101, 50)
	for factor, want := range map[float64]image.Point{1: {101, 50}, 0.5: {51, 25}, 0.1: {10, 5}} {
		if got := Scale(picture, factor).Bounds().Size(); got != want {
			t.Errorf("%v: %v, want %v", factor, got, want)
		}
	}
	if got := Scale(sample(2, 2), 0.1).Bounds().Size(); got != image.Pt(1, 1) {
		t.Errorf("nothing is left: %v", got)
	}
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]Format{"": PNG, "png": PNG, "jpg": JPEG, "jpeg": JPEG, "webp": WebP} {
		if got, err := ParseFormat(name); err != nil || got != want {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	if _, err := ParseFormat("gif"); err == nil {
		t.Error("gif was taken")
	}
}

func BenchmarkEncode(b *testing.B) {
	picture := sample(1280, 800)
	for _, format := range []Format{PNG, JPEG, WebP} {
		b.Run(string(format), func(b *testing.B) {
			for b.Loop() {
				if _, err := Encode(picture, format, DefaultQuality); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
