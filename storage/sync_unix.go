//go:build unix

package storage

import "os"

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// wideMode reports whether others than the owner may use the file.
func wideMode(info os.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
