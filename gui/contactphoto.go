package gui

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // for photos
	"io"
	"os"

	"fyne.io/fyne/v2"

	"parley/gui/widgets"
)

// maxPhotos is how many photos of contacts are kept for showing.
const maxPhotos = 300

// photos are those that were asked for, as long as the contacts do not change.
type photos struct {
	known map[int64]fyne.Resource // nil while it is read, or if there is none
	since int                     // counts changes of the contacts
}

// photo returns the photo of a contact, or nil. One that must be read first is
// there when ready is called.
func (w *Window) photo(contact int64, ready func()) fyne.Resource {
	if contact == 0 {
		return nil
	}
	if r, asked := w.photos.known[contact]; asked {
		return r
	}
	if w.photos.known == nil || len(w.photos.known) >= maxPhotos {
		w.photos.known = map[int64]fyne.Resource{}
	}
	w.photos.known[contact] = nil
	since := w.photos.since
	w.door.Do(func(ctx context.Context) func() {
		data, err := w.phone.Contacts().Photo(ctx, contact)
		if err != nil || len(data) == 0 {
			return nil // letters are shown instead
		}
		return func() {
			if since != w.photos.since {
				return
			}
			w.photos.known[contact] = fyne.NewStaticResource(fmt.Sprintf("contact-%d-%d", contact, since), data)
			ready()
		}
	})
	return nil
}

// forgetPhotos has photos read anew after contacts have changed.
func (w *Window) forgetPhotos() {
	w.photos.since++
	w.photos.known = nil
}

// chosenPhoto is what the person has chosen for a contact.
type chosenPhoto struct {
	data    []byte // PNG or JPEG; nil for none
	changed bool
	shown   fyne.Resource
}

// What photos of contacts are made smaller to.
const (
	photoSide  = 512      // pixels
	photoBytes = 200_000  // larger files are made smaller
	photoFile  = 32 << 20 // no larger file is read
)

// loadPhoto shows the photo that the contact has.
func (e *contactEditor) loadPhoto() {
	id := e.contact.ID
	e.w.door.Do(func(ctx context.Context) func() {
		data, err := e.w.phone.Contacts().Photo(ctx, id)
		return func() {
			e.complain(err)
			if !e.photo.changed {
				e.showPhoto(data)
			}
		}
	})
}

func (e *contactEditor) choosePhoto() {
	openFile(e.win, func(path string) {
		e.w.door.Do(func(context.Context) func() {
			data, err := readPhoto(path)
			return func() {
				e.complain(err)
				if err == nil {
					e.setPhoto(data)
				}
			}
		})
	}, ".png", ".jpg", ".jpeg")
}

// setPhoto chooses a photo; nil is none.
func (e *contactEditor) setPhoto(data []byte) {
	e.photo.changed = true
	e.showPhoto(data)
}

func (e *contactEditor) showPhoto(data []byte) {
	e.photo.data, e.photo.shown = data, nil
	if len(data) > 0 {
		e.photo.shown = fyne.NewStaticResource(fmt.Sprintf("photo-%p", &data[0]), data)
	}
	e.noPhoto.Hidden = len(data) == 0
	e.noPhoto.Refresh()
	e.face.Set(e.name.Text, e.photo.shown)
}

// readPhoto reads a photo and makes it smaller if it is large. It blocks for the
// disk.
func readPhoto(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(f, photoFile))
	if err != nil || len(data) <= photoBytes {
		return data, err
	}
	return shrinkPhoto(data)
}

// shrinkPhoto makes a photo of at most photoSide pixels in each direction. What is
// no PNG or JPEG file stays as it is, to be refused where it is stored.
func shrinkPhoto(data []byte) ([]byte, error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width > maxPixels || config.Height > maxPixels {
		return data, nil
	}
	from, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return data, nil
	}
	b := from.Bounds()
	scale := max(1, float64(max(b.Dx(), b.Dy()))/photoSide)
	to := image.NewRGBA(image.Rect(0, 0, max(int(float64(b.Dx())/scale), 1), max(int(float64(b.Dy())/scale), 1)))
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			to.Set(x, y, average(from, b.Min.Add(image.Pt(int(float64(x)*scale), int(float64(y)*scale))), int(max(scale, 1))))
		}
	}
	var out bytes.Buffer
	err = jpeg.Encode(&out, to, &jpeg.Options{Quality: 88})
	return out.Bytes(), err
}

// maxPixels is how wide and high a photo may be to be made smaller.
const maxPixels = 12000

// average is the color of a square of side pixels, on white where it is not
// opaque.
func average(from image.Image, at image.Point, side int) color.RGBA {
	var r, g, b, n uint64
	area := image.Rectangle{Min: at, Max: at.Add(image.Pt(side, side))}.Intersect(from.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			cr, cg, cb, ca := from.At(x, y).RGBA()
			white := 0xffff - ca
			r, g, b, n = r+uint64(cr+white), g+uint64(cg+white), b+uint64(cb+white), n+1
		}
	}
	n = max(n, 1)
	return color.RGBA{R: uint8(r / n >> 8), G: uint8(g / n >> 8), B: uint8(b / n >> 8), A: 0xff}
}

// How large contacts are in the incoming-call window and in the card of a call.
const (
	incomingFace = 40
	cardFace     = 28
)

// showFace shows who a contact is, and nothing for somebody unknown.
func (w *Window) showFace(face *widgets.Photo, name string, contact int64) {
	face.Hidden = contact == 0
	if contact != 0 {
		face.Set(name, w.photo(contact, func() { face.Set(name, w.photo(contact, func() {})) }))
	}
	face.Refresh()
}
