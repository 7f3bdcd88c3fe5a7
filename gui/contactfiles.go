package gui

import (
	"context"
	"path/filepath"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/middleware"
)

// The size of the window for files.
const (
	fileWidth  = 600
	fileHeight = 440
)

// extensionFilter leaves files with one of the extensions, in small or capital
// letters.
func extensionFilter(list []string) storage.FileFilter { return storage.NewExtensionFileFilter(list) }

// fileWindow asks for a file, shows how far the work on it has come, and then what
// came of it. Closing it ends the work.
type fileWindow struct {
	w      *Window
	win    fyne.Window
	cancel context.CancelFunc // of the work; nil before it
	begun  time.Time
	bar    *widget.ProgressBar
	text   *widgets.Note
	done   *fyne.Container // what came of it; nil before
}

func newFileWindow(w *Window, title string) *fileWindow {
	f := &fileWindow{w: w, win: w.app.NewWindow(title), bar: widget.NewProgressBar(), text: widgets.NewParagraph("", "")}
	f.win.Resize(fyne.NewSize(fileWidth, fileHeight))
	f.win.CenterOnScreen()
	f.win.SetContent(container.NewStack())
	f.win.SetOnClosed(func() {
		if f.cancel != nil {
			f.cancel()
		}
	})
	f.win.Canvas().SetOnTypedKey(func(k *fyne.KeyEvent) {
		if k.Name == fyne.KeyEscape {
			f.win.Close()
		}
	})
	return f
}

// open shows the window with a question for a file to read.
func (f *fileWindow) open(chosen func(path string), extensions ...string) {
	d := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if err != nil || r == nil {
			f.refuse(err)
			return
		}
		path := filepath.FromSlash(r.URI().Path())
		_ = r.Close() // nothing was read from it
		chosen(path)
	}, f.win)
	d.SetFilter(extensionFilter(extensions))
	f.ask(d)
}

// save shows the window with a question for a file to write.
func (f *fileWindow) save(name string, chosen func(path string)) {
	d := dialog.NewFileSave(func(u fyne.URIWriteCloser, err error) {
		if err != nil || u == nil {
			f.refuse(err)
			return
		}
		path := filepath.FromSlash(u.URI().Path())
		if err := u.Close(); err != nil {
			f.refuse(err)
			return
		}
		chosen(path)
	}, f.win)
	d.SetFileName(name)
	f.ask(d)
}

func (f *fileWindow) ask(d *dialog.FileDialog) {
	f.win.Show()
	d.Resize(fyne.NewSize(fileWidth, fileHeight))
	d.Show()
}

// refuse ends it without a file.
func (f *fileWindow) refuse(err error) {
	if err == nil {
		f.win.Close()
		return
	}
	f.finish(viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)}, nil)
}

// run does work with a way to cancel it; work returns what the window shows then.
func (f *fileWindow) run(text string, work func(ctx context.Context) (then func())) {
	f.begun = f.w.opts.Now()
	f.text.Set(text)
	cancel := widget.NewButtonWithIcon(i18n.T("Cancel"), fynetheme.CancelIcon(), func() { f.cancel() })
	f.win.SetContent(container.NewPadded(container.NewVBox(
		spacer(), f.text, gap(), f.bar, gap(), container.NewCenter(cancel), spacer())))
	f.w.door.Do(func(outer context.Context) func() {
		ctx, stop := context.WithCancel(outer)
		started := make(chan struct{})
		f.w.door.Post(func() { f.cancel = stop; close(started) })
		select {
		case <-started:
		case <-outer.Done():
		}
		defer stop()
		return work(ctx)
	})
}

// finish shows what came of it.
func (f *fileWindow) finish(b viewmodel.Banner, below fyne.CanvasObject, buttons ...fyne.CanvasObject) {
	text := widgets.NewParagraph(b.Text, "")
	head := container.NewBorder(nil, nil, widget.NewIcon(bannerIcon(b.Tone)), nil, center(text))
	end := widget.NewButtonWithIcon(i18n.T("Close"), fynetheme.ConfirmIcon(), func() { f.win.Close() })
	end.Importance = widget.HighImportance
	line := container.NewHBox(append(append([]fyne.CanvasObject{}, buttons...), spacer(), end)...)
	f.done = container.NewPadded(container.NewBorder(head, line, nil, nil, below))
	if below == nil {
		f.done = container.NewPadded(container.NewBorder(nil, line, nil, nil, center(head)))
	}
	f.win.SetContent(f.done)
	f.win.Canvas().Focus(end)
}

// importFiles are the names of files that can be taken in.
var importFiles = []string{".vcf", ".vcard", ".csv", ".txt", ".VCF", ".CSV"}

// importContacts takes in a file of contacts.
func (w *Window) importContacts() {
	f := newFileWindow(w, i18n.T("Import contacts"))
	f.open(f.importFrom, importFiles...)
}

func (f *fileWindow) importFrom(path string) {
	w := f.w
	f.run(i18n.T("Reading %s…", filepath.Base(path)), func(ctx context.Context) func() {
		report, err := w.phone.Contacts().Import(ctx, path, func(p middleware.ImportProgress) {
			w.door.Post(func() { f.progress(p) })
		})
		canceled := ctx.Err() != nil
		return func() { f.report(report, err, canceled) }
	})
}

// progress shows how far an import has come.
func (f *fileWindow) progress(p middleware.ImportProgress) {
	f.bar.SetValue(float64(p.Done) / float64(max(p.Total, 1)))
	f.text.Set(viewmodel.ImportRate(p, f.w.opts.Now().Sub(f.begun)))
}

// report shows what an import has done, and what of the file was not taken.
func (f *fileWindow) report(r middleware.ImportReport, err error, canceled bool) {
	b := viewmodel.ImportResult(r, err, canceled)
	if len(r.Bad) == 0 {
		f.finish(b, nil)
		return
	}
	list := widget.NewList(func() int { return len(r.Bad) },
		func() fyne.CanvasObject { return container.NewVBox(widgets.NewTitle(""), widgets.NewCaption("")) },
		func(i widget.ListItemID, o fyne.CanvasObject) {
			lines := o.(*fyne.Container).Objects
			where, why := viewmodel.ImportProblem(r.Bad[i])
			lines[0].(*widgets.Text).Set(where)
			lines[1].(*widgets.Text).Set(why)
		})
	copyAll := widget.NewButtonWithIcon(i18n.T("Copy list"), fynetheme.ContentCopyIcon(), func() {
		f.w.app.Clipboard().SetContent(viewmodel.ImportProblems(r))
	})
	below := container.NewBorder(widgets.NewCaption(viewmodel.ImportBad(r)), nil, nil, nil, list)
	f.finish(b, below, copyAll)
}

// exportContacts writes those of a group, or all, into a file.
func (w *Window) exportContacts(g viewmodel.GroupChoice) {
	f := newFileWindow(w, i18n.T("Export contacts"))
	name := i18n.T("contacts")
	if g.Group != 0 {
		name = viewmodel.FileName(g.Label, name)
	}
	f.save(name+".vcf", func(path string) { f.exportTo(path, g.Group) })
}

func (f *fileWindow) exportTo(path string, group int64) {
	f.write(path, func(ctx context.Context) (string, error) {
		n, err := f.w.phone.Contacts().Export(ctx, path, middleware.ExportOptions{Group: group, Overwrite: true})
		return viewmodel.ExportResult(n, path), err
	})
}

// exportCalls writes the calls that are listed into a file.
func (w *Window) exportCalls() {
	f := newFileWindow(w, i18n.T("Export calls"))
	q := w.recent.query()
	f.save(i18n.T("calls")+".csv", func(path string) {
		f.write(path, func(ctx context.Context) (string, error) {
			n, err := w.phone.History().Export(ctx, path, q, true)
			return viewmodel.ExportCallsResult(n, path), err
		})
	})
}

// write shows that a file is being written, and then what do says of it.
func (f *fileWindow) write(path string, do func(ctx context.Context) (string, error)) {
	f.bar.Hide() // how much there is to write is not known
	f.run(i18n.T("Writing %s…", filepath.Base(path)), func(ctx context.Context) func() {
		text, err := do(ctx)
		return func() {
			if err != nil {
				f.finish(viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)}, nil)
				return
			}
			folder := widget.NewButtonWithIcon(i18n.T("Show its folder"), fynetheme.FolderOpenIcon(), func() { f.w.openFolder(filepath.Dir(path)) })
			f.finish(viewmodel.Banner{Tone: viewmodel.Good, Text: text}, nil, folder)
		}
	})
}
