//go:build !linux

package storage

// keyringChild is for the Secret Service, which other systems lack.
func keyringChild(string) (status int, ok bool) { return 0, false }
