package qrcode

import (
	"encoding/xml"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	code := Of("http://8000-x.localhost:8080/")
	// Version 3 has 29 modules; its first row begins with the seven of a finder.
	if code.Size != 29+2*margin || !strings.HasPrefix(code.Path, "M4 4h7v1h-7z") {
		t.Errorf("%d modules, %.40s", code.Size, code.Path)
	}
	if long := Of(strings.Repeat("x", 5000)); long.Size != 0 {
		t.Errorf("a text that is too long has %d modules", long.Size)
	}
}

func TestSVG(t *testing.T) {
	text := SVG("http://localhost/?<&>")
	if err := xml.Unmarshal([]byte(text), new(struct{})); err != nil || strings.Contains(text, "localhost") {
		t.Errorf("%v: %.100s", err, text)
	}
	if SVG(strings.Repeat("x", 5000)) != "" {
		t.Error("a text that is too long has a picture")
	}
}
