package wasm_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

// TestPythonDisplays shows things as notebooks from elsewhere do.
func TestPythonDisplays(t *testing.T) {
	k := openKernel(t, newEngine(t, "python"), "python")
	tests := []struct {
		name, code string
		want       []string // "act:id:map[mime:value]" of each display, without text/plain
	}{
		{"html", "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))", []string{"::map[text/html:<b>x</b>]"}},
		{"by the package", "import IPython.display\nIPython.display.display(IPython.display.Markdown('*x*'))", []string{"::map[text/markdown:*x*]"}},
		{"update", "h = display('0 %', display_id='bar')\nh.update('50 %')\nh.update(HTML('<i>100 %</i>'))",
			[]string{":bar:map[]", "update:bar:map[]", "update:bar:map[text/html:<i>100 %</i>]"}},
		{"update by name", "from IPython.display import update_display\nupdate_display('x', display_id='bar')", []string{"update:bar:map[]"}},
		{"clear", "from IPython.display import clear_output\nclear_output()\nclear_output(wait=True)", []string{"clear::map[]", "clear_next::map[]"}},
		{"json", "class J:\n    def _repr_json_(self): return {'a': [1, None]}\ndisplay(J())", []string{"::map[application/json:map[a:[1 <nil>]]]"}},
		{"latex, png and pdf", "class P:\n    def _repr_latex_(self): return '$x$'\n    def _repr_png_(self): return b'png'\n    def _repr_pdf_(self): return None\ndisplay(P())",
			[]string{"::map[image/png:cG5n text/latex:$x$]"}},
		{"bundle as Jupyter calls it", "class M:\n    def _repr_mimebundle_(self, include, exclude): return {'text/html': '<p>', 'image/png': b'png'}\ndisplay(M())",
			[]string{"::map[image/png:cG5n text/html:<p>]"}},
		{"a class is no picture", "display(P)", []string{"::map[]"}},
		{"picture", "from IPython.display import Image\ndisplay(Image(b'GIF89a', width=3))", []string{"::map[image/gif:R0lGODlh]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, out := cell(t, k, tt.code)
			var got []string
			for _, d := range out.displays {
				delete(d.Data, "text/plain")
				got = append(got, fmt.Sprintf("%s:%s:%v", d.Act, d.ID, d.Data))
			}
			if o.Status != sandbox.StatusOK || out.stderr.String() != "" || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("displays %q, want %q; %+v, stderr %q", got, tt.want, o.Error, out.stderr.String())
			}
		})
	}
	if o, _ := cell(t, k, "HTML('<b>')"); o.Result == nil || o.Result.Data["text/html"] != "<b>" {
		t.Errorf("as a result: %+v", o)
	}
}

// TestPythonMissingModules has cells import what is not there.
func TestPythonMissingModules(t *testing.T) {
	k := openKernel(t, newEngine(t, "python"), "python")
	for module, hint := range map[string]string{
		"matplotlib.pyplot": "sandpiper.line", "pandas": "sandpiper.table", "requests": "packages need a container sandbox", "ssl": "cannot work in WebAssembly",
	} {
		o, _ := cell(t, k, "import "+module)
		if o.Error == nil || o.Error.Name != "ModuleNotFoundError" || !strings.Contains(strings.Join(o.Error.Traceback, "\n"), hint) {
			t.Errorf("%s: %+v", module, o.Error)
		}
	}
}
