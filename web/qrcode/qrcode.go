// Package qrcode draws texts as QR codes for pages.
package qrcode

import (
	"fmt"
	"strings"

	"rsc.io/qr"

	"sandpiper/components"
)

// margin is what readers need around a code, in modules.
const margin = 4

// Of returns a text as a QR code with its margin; the zero QR when the text is
// too long for one.
func Of(text string) components.QR {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return components.QR{}
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+margin, y+margin, x-from, x-from)
			}
		}
	}
	return components.QR{Size: code.Size + 2*margin, Path: path.String()}
}

// SVG returns a text as a picture of its own, black on white; "" when the text is
// too long.
func SVG(text string) string {
	code := Of(text)
	if code.Size == 0 {
		return ""
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %[1]d" width="%d" height="%[2]d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="%[3]s"/></svg>`,
		code.Size, 6*code.Size, code.Path)
}
