//go:build !unix

package storage

import "os"

// syncDir does nothing: the system keeps the names in a folder by itself.
func syncDir(string) error { return nil }

// wideMode reports false: files inherit the access rules of the profile's
// folder, which lies in the person's own.
func wideMode(os.FileInfo) bool { return false }
