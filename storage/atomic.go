package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// tempPattern is the end of the names of files that are being written. One that
// is left behind by a crash is worthless.
const tempPattern = ".new-*"

// A writer replaces files so that, whenever the program or the computer stops,
// either the old or the new content is there in full.
type writer struct {
	// step is called before each step with its name; nil is nothing. Tests stop
	// the writer there, as a crash would.
	step func(name string)
}

// replace makes data the content of the file path, with mode 0600.
func (w writer) replace(path string, data []byte) error {
	dir := filepath.Dir(path)
	w.at("create")
	f, err := os.CreateTemp(dir, filepath.Base(path)+tempPattern) // made with mode 0600
	if err != nil {
		return writeError(path, err)
	}
	w.at("write")
	_, err = f.Write(data)
	if err == nil {
		w.at("sync")
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		w.at("rename")
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return writeError(path, err)
	}
	w.at("sync folder")
	if err := syncDir(dir); err != nil {
		return writeError(path, err)
	}
	w.at("done")
	return nil
}

func (w writer) at(step string) {
	if w.step != nil {
		w.step(step)
	}
}

func writeError(path string, err error) error {
	return &ProfileError{
		Op: "write", Path: path, Err: err,
		Fix: "Check that the disk is not full and that you may write to the folder",
	}
}

// removeTemps removes what earlier crashes left of replacing the file path.
func removeTemps(path string) {
	left, err := filepath.Glob(escapeGlob(path) + tempPattern)
	if err != nil {
		return
	}
	for _, name := range left {
		os.Remove(name)
	}
}

// escapeGlob returns path with the characters that are special to
// filepath.Glob replaced by one that matches anything.
func escapeGlob(path string) string {
	out := []byte(path)
	for i, c := range out {
		if c == '*' || c == '[' || c == '\\' && filepath.Separator != '\\' {
			out[i] = '?'
		}
	}
	return string(out)
}

// keepAside writes data, the content of the damaged file path, to a new file
// beside it and returns that file's path. stamp becomes part of its name. If
// the very same content is kept already under that stamp, it stays one file.
func keepAside(path, stamp string, data []byte) (string, error) {
	for i := range 1000 {
		name := fmt.Sprintf("%s.broken-%s", path, stamp)
		if i > 0 {
			name = fmt.Sprintf("%s-%d", name, i+1)
		}
		old, err := os.ReadFile(name)
		if err == nil && string(old) == string(data) {
			return name, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			return name, writer{}.replace(name, data)
		}
	}
	return "", &ProfileError{Op: "keep aside", Path: path, Err: fs.ErrExist, Fix: "Remove old copies from the folder"}
}
