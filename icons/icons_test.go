package icons_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fyne-io/oksvg"
	"github.com/google/go-cmp/cmp"
	"github.com/srwiley/rasterx"

	"parley/icons"
)

var update = flag.Bool("update", false, "draw app.png anew from app.svg")

// drawIcon renders an SVG as the window toolkit does.
func drawIcon(t *testing.T, svg []byte, size int) *image.RGBA {
	t.Helper()
	icon, err := oksvg.ReadIconStream(bytes.NewReader(svg), oksvg.StrictErrorMode)
	if err != nil {
		t.Fatal(err)
	}
	icon.SetTarget(0, 0, float64(size), float64(size))
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	icon.Draw(rasterx.NewDasher(size, size, rasterx.NewScannerGV(size, size, img, img.Bounds())), 1)
	return img
}

func TestSymbolsAreDrawn(t *testing.T) {
	const size = 48
	for _, name := range icons.All() {
		img := drawIcon(t, name.SVG(), size)
		inked, edge := 0, 0
		for y := range size {
			for x := range size {
				if img.RGBAAt(x, y).A < 128 {
					continue
				}
				inked++
				if x == 0 || y == 0 || x == size-1 || y == size-1 {
					edge++
				}
			}
		}
		if share := float64(inked) / (size * size); share < 0.05 || share > 0.7 {
			t.Errorf("%s covers %.0f %% of its field, want 5 to 70 %%", name, 100*share)
		}
		if edge != 0 {
			t.Errorf("%s touches the edge of its field", name)
		}
	}
}

// The toolkit replaces the fill of these elements and keeps these attributes; it
// drops all others when it colors a picture anew.
var (
	elements   = []string{"svg", "path", "circle", "ellipse", "polygon"}
	attributes = []string{"xmlns", "width", "height", "viewBox", "fill", "d", "cx", "cy", "r", "rx", "ry", "points"}
)

func TestSymbolsCanBeColored(t *testing.T) {
	for _, name := range icons.All() {
		d := xml.NewDecoder(bytes.NewReader(name.SVG()))
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			if !slices.Contains(elements, start.Name.Local) {
				t.Errorf("%s holds a %s, which cannot be colored", name, start.Name.Local)
			}
			for _, a := range start.Attr {
				if !slices.Contains(attributes, a.Name.Local) {
					t.Errorf("%s has the attribute %s, which is lost when it is colored", name, a.Name.Local)
				}
			}
		}
	}
}

func TestAllNamesEveryFile(t *testing.T) {
	paths, err := filepath.Glob("*.svg")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, path := range paths {
		if name := strings.TrimSuffix(path, ".svg"); name != "app" {
			want = append(want, name)
		}
	}
	for _, name := range icons.All() {
		got = append(got, string(name))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("All() (-files +names):\n%s", diff)
	}
}

func TestAppPNGIsAppSVG(t *testing.T) {
	const size = 512
	want := drawIcon(t, icons.App(), size)
	if *update {
		var buf bytes.Buffer
		if err := png.Encode(&buf, want); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("app.png", buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := png.Decode(bytes.NewReader(icons.AppPNG()))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("app.png measures %v, want %v", got.Bounds(), want.Bounds())
	}
	// The edges of shapes may differ by rounding from one processor to another.
	different := 0
	for y := range size {
		for x := range size {
			r1, g1, b1, a1 := got.At(x, y).RGBA()
			r2, g2, b2, a2 := want.At(x, y).RGBA()
			if far(r1, r2) || far(g1, g2) || far(b1, b2) || far(a1, a2) {
				different++
			}
		}
	}
	if different > 0 {
		t.Errorf("app.png differs from app.svg in %d pixels; draw it anew with go test ./icons -update", different)
	}
}

// far reports whether two 16-bit channel values are more than 4 of 255 apart.
func far(a, b uint32) bool { return max(a, b)-min(a, b) > 4*0x101 }
