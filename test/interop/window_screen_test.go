package interop

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/gui/theme"
)

// A desk is a screen with a person in front of it: it sees colors and works with
// the mouse and the keys of the real X server.
type desk struct {
	*xserver

	shots   string // folder for pictures of every step; empty: none
	taken   int
	variant fyne.ThemeVariant
}

// startDesk starts a screen for a test that is not parallel. Nothing on it
// reaches the settings and the session of whoever runs the test.
func startDesk(t *testing.T) *desk {
	t.Helper()
	need(t, "Xvfb", "openbox", "xdotool")
	if _, err := buildPhone(); err != nil { // while the compiler's cache can still be found
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"} {
		t.Setenv(name, home)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	d := &desk{xserver: startScreen(t), shots: os.Getenv("PARLEY_SHOTS")}
	if d.shots != "" {
		if err := os.MkdirAll(d.shots, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// A frame is a window on the screen.
type frame struct {
	*desk

	id    uint32
	title string
}

// frames lists the visible windows of a process, the oldest first.
func (d *desk) frames(t testing.TB, pid int) []frame {
	t.Helper()
	list, err := d.property(d.root, "_NET_CLIENT_LIST")
	if err != nil {
		t.Fatal(err)
	}
	var found []frame
	for _, id := range list {
		owner, err := d.property(id, "_NET_WM_PID")
		if err != nil || len(owner) == 0 || int(owner[0]) != pid {
			continue // it may be gone by now
		}
		attributes, err := d.ask(xGetWindowAttributes, 0, []uint32{id})
		if err != nil || attributes[26] != 2 { // not viewable
			continue
		}
		if title, err := d.text(id, "_NET_WM_NAME"); err == nil {
			found = append(found, frame{d, id, title})
		}
	}
	return found
}

// frame finds the visible window of a process whose title begins so.
func (d *desk) frame(t testing.TB, pid int, title string) (frame, bool) {
	t.Helper()
	for _, f := range d.frames(t, pid) {
		if strings.HasPrefix(f.title, title) {
			return f, true
		}
	}
	return frame{}, false
}

// awaitFrame waits for a window to appear.
func (d *desk) awaitFrame(t testing.TB, pid int, title string) frame {
	t.Helper()
	var f frame
	eventually(t, 10*time.Second, "window "+title, func() bool {
		var ok bool
		f, ok = d.frame(t, pid, title)
		return ok
	})
	return f
}

// text returns a property of a window that is text.
func (x *xserver) text(window uint32, name string) (string, error) {
	atom, err := x.atom(name)
	if err != nil {
		return "", err
	}
	reply, err := x.ask(xGetProperty, 0, []uint32{window, atom, 0, 0, 1024})
	if err != nil || reply[1] != 8 {
		return "", err
	}
	return string(reply[32 : 32+binary.LittleEndian.Uint32(reply[16:])]), nil
}

// active is the window that the window manager says is worked in.
func (d *desk) active(t testing.TB) uint32 {
	t.Helper()
	list, err := d.property(d.root, "_NET_ACTIVE_WINDOW")
	if err != nil || len(list) == 0 {
		t.Fatalf("_NET_ACTIVE_WINDOW = %v, %v", list, err)
	}
	return list[0]
}

// xdotool works with the mouse or the keyboard.
func (d *desk) xdotool(t testing.TB, args ...string) {
	t.Helper()
	if out, err := output(10*time.Second, "xdotool", args...); err != nil {
		t.Fatalf("xdotool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// keys presses keys, by their X names, in whatever window has the keyboard.
func (d *desk) keys(t testing.TB, names ...string) {
	t.Helper()
	d.xdotool(t, append([]string{"key", "--clearmodifiers", "--delay", "40"}, names...)...)
}

// types writes a text.
func (d *desk) types(t testing.TB, text string) {
	t.Helper()
	d.xdotool(t, "type", "--clearmodifiers", "--delay", "15", text)
}

// click presses the mouse at a place in the window, and moves it out of the way,
// so that nothing is lit up by it.
func (f frame) click(t testing.TB, at image.Point) {
	t.Helper()
	f.desk.click(t, f.id, at)
}

func (d *desk) click(t testing.TB, window uint32, at image.Point) {
	t.Helper()
	id := fmt.Sprint(window)
	d.xdotool(t, "mousemove", "--window", id, fmt.Sprint(at.X), fmt.Sprint(at.Y),
		"sleep", "0.05", "mousedown", "1", "sleep", "0.05", "mouseup", "1", "sleep", "0.05",
		"mousemove", "--window", id, "2", "2", "sleep", "0.05", "mousemove", "1279", "0")
}

// picture returns what the window shows.
func (f frame) picture() (*image.RGBA, error) { return f.desk.picture(f.id) }

func (x *xserver) picture(window uint32) (*image.RGBA, error) {
	width, height, err := x.size(window)
	if err != nil {
		return nil, err
	}
	colors, err := x.pixels(window)
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range min(len(colors), width*height) {
		c := colors[i]
		img.SetRGBA(i%width, i/width, color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff})
	}
	return img, nil
}

// patches finds the areas of one color of the theme that are at least so large,
// from top to bottom and left to right. Whatever stands on them may make holes.
// An area that is a button, a field or a tile is found by its color wherever it
// stands.
func (f frame) patches(name fyne.ThemeColorName, width, height int) []image.Rectangle {
	img, err := f.picture()
	if err != nil {
		return nil // it is being resized, or gone
	}
	r, g, b, _ := theme.New(theme.System).Color(name, f.variant).RGBA()
	want := color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0xff}
	found := slices.DeleteFunc(areas(img, want), func(a image.Rectangle) bool { return a.Dx() < width || a.Dy() < height })
	slices.SortFunc(found, func(a, b image.Rectangle) int {
		if d := a.Min.Y - b.Min.Y; d < -4 || d > 4 {
			return d
		}
		return a.Min.X - b.Min.X
	})
	return found
}

// areas are the bounds of the connected areas of a color.
func areas(img *image.RGBA, want color.RGBA) []image.Rectangle {
	size := img.Bounds().Size()
	seen := make([]bool, size.X*size.Y)
	is := func(x, y int) bool {
		return x >= 0 && y >= 0 && x < size.X && y < size.Y && !seen[y*size.X+x] && near(img.RGBAAt(x, y), want)
	}
	var found []image.Rectangle
	for y := range size.Y {
		for x := range size.X {
			if !is(x, y) {
				continue
			}
			box, todo := image.Rectangle{}, []image.Point{{X: x, Y: y}}
			seen[y*size.X+x] = true
			for len(todo) > 0 {
				p := todo[len(todo)-1]
				todo = todo[:len(todo)-1]
				box = box.Union(image.Rect(p.X, p.Y, p.X+1, p.Y+1))
				for _, q := range []image.Point{{p.X + 1, p.Y}, {p.X - 1, p.Y}, {p.X, p.Y + 1}, {p.X, p.Y - 1}} {
					if is(q.X, q.Y) {
						seen[q.Y*size.X+q.X] = true
						todo = append(todo, q)
					}
				}
			}
			found = append(found, box)
		}
	}
	return found
}

// near tells whether two colors are the same but for rounding.
func near(a, b color.RGBA) bool {
	close := func(a, b uint8) bool { return max(a, b)-min(a, b) <= 2 }
	return close(a.R, b.R) && close(a.G, b.G) && close(a.B, b.B)
}

// middle of an area.
func middle(r image.Rectangle) image.Point { return r.Min.Add(r.Max).Div(2) }

// await waits until areas of a color satisfy ok, and returns them.
func (f frame) await(t testing.TB, what string, name fyne.ThemeColorName, width, height int, ok func([]image.Rectangle) bool) []image.Rectangle {
	t.Helper()
	var found []image.Rectangle
	if !poll(10*time.Second, func() bool { found = f.patches(name, width, height); return ok(found) }) {
		f.shot(t, "lost")
		t.Fatalf("window %q does not show %s; areas of the color %s: %v", f.title, what, name, found)
	}
	return found
}

// atLeast is for await.
func atLeast(n int) func([]image.Rectangle) bool {
	return func(list []image.Rectangle) bool { return len(list) >= n }
}

// press clicks the first button of a color, waiting for it.
func (f frame) press(t testing.TB, what string, name fyne.ThemeColorName) {
	t.Helper()
	f.click(t, middle(f.await(t, what, name, minButton, minButton/2, atLeast(1))[0]))
}

// pressLast clicks the last button of a color: the one that ends a form.
func (f frame) pressLast(t testing.TB, what string, name fyne.ThemeColorName) {
	t.Helper()
	list := f.await(t, what, name, minButton, minButton/2, atLeast(1))
	f.click(t, middle(list[len(list)-1]))
}

// minButton is the width of the narrowest button looked for.
const minButton = 30

// learnVariant finds out whether the window is light or dark.
func (f frame) learnVariant(t testing.TB) {
	t.Helper()
	defer f.shot(t, "window")
	eventually(t, 10*time.Second, "the window has a background of the theme", func() bool {
		for _, v := range []fyne.ThemeVariant{fynetheme.VariantLight, fynetheme.VariantDark} {
			f.variant = v
			if len(f.patches(fynetheme.ColorNameBackground, 100, 100)) > 0 {
				return true
			}
		}
		return false
	})
}

// shot keeps a picture of the screen, where PARLEY_SHOTS says.
func (d *desk) shot(t testing.TB, name string) {
	t.Helper()
	if d.shots == "" {
		return
	}
	d.taken++
	img, err := d.picture(d.root)
	if err == nil {
		err = writePNG(filepath.Join(d.shots, fmt.Sprintf("%02d-%s.png", d.taken, name)), img)
	}
	if err != nil {
		t.Logf("no picture of %s: %v", name, err)
	}
}

func writePNG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		return err
	}
	return f.Close()
}
