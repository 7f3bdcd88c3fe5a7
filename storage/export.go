package storage

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// writeNew writes a file that is there as a whole or not at all. Without
// overwrite it fails with an error that is fs.ErrExist if there is one already.
func writeNew(path string, overwrite bool, write func(io.Writer) error) error {
	if !filepath.IsAbs(path) {
		return &ValueError{Key: "path", Value: path, Want: "an absolute path"}
	}
	if overwrite {
		f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*")
		if err != nil {
			return err
		}
		return fill(f, write, func() error { return os.Rename(f.Name(), path) })
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return fill(f, write, func() error { return nil })
}

// fill writes f and calls done; if something fails it removes f.
func fill(f *os.File, write func(io.Writer) error, done func() error) error {
	w := bufio.NewWriter(f)
	err := write(w)
	for _, next := range []func() error{w.Flush, f.Sync} {
		if err == nil {
			err = next()
		}
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = done()
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
