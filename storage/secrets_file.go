package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// A fileSecrets keeps passwords in a file that only its owner may read. Its
// mutex owns the file. The file is read anew each time, so that a password set
// by the command line is found by a Parley that runs.
type fileSecrets struct {
	path string

	mu sync.Mutex
}

var _ Secrets = (*fileSecrets)(nil)

func newFileSecrets(path string) *fileSecrets {
	removeTemps(path)
	return &fileSecrets{path: path}
}

// secretsDocument is the layout of the file.
type secretsDocument struct {
	Version   int               `toml:"version"`
	Passwords map[string]string `toml:"passwords"`
}

func (f *fileSecrets) Get(ctx context.Context, account string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	passwords, err := f.read()
	if err != nil {
		return "", err
	}
	s, ok := passwords[account]
	if !ok {
		return "", ErrNoSecret
	}
	return s, nil
}

func (f *fileSecrets) Set(ctx context.Context, account, secret string) error {
	if !utf8.ValidString(account) || !utf8.ValidString(secret) {
		return errors.New("storage: write password: it is not valid UTF-8 text")
	}
	return f.change(ctx, func(passwords map[string]string) { passwords[account] = secret })
}

func (f *fileSecrets) Delete(ctx context.Context, account string) error {
	return f.change(ctx, func(passwords map[string]string) { delete(passwords, account) })
}

func (f *fileSecrets) change(ctx context.Context, change func(map[string]string)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	before, err := f.read()
	if err != nil {
		return err
	}
	after := maps.Clone(before)
	change(after)
	if maps.Equal(before, after) {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Passwords of Parley's accounts. Only you may be able to read this file.\nversion = 1\n\n[passwords]\n")
	for _, account := range slices.Sorted(maps.Keys(after)) {
		fmt.Fprintf(&b, "%s = %s\n", quote(account), quote(after[account]))
	}
	if err := (writer{}).replace(f.path, []byte(b.String())); err != nil {
		return fmt.Errorf("%w: %w", ErrSecretsUnavailable, err)
	}
	return nil
}

// read returns the file's passwords, none if there is no file.
func (f *fileSecrets) read() (map[string]string, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, f.unreadable(err, "Check that you may read the file")
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, f.unreadable(err, "")
	}
	if wideMode(info) {
		return nil, f.unreadable(fmt.Errorf("others can read it (mode %04o)", info.Mode().Perm()),
			fmt.Sprintf("Run: chmod 600 %s, and change the passwords if others use this computer", f.path))
	}
	var doc secretsDocument
	if err := toml.NewDecoder(file).Decode(&doc); err != nil {
		// The library's error can quote the line, and so a password.
		at := ""
		var de *toml.DecodeError
		if errors.As(err, &de) {
			line, column := de.Position()
			at = fmt.Sprintf(" at line %d, column %d", line, column)
		}
		return nil, f.unreadable(errors.New("syntax error"+at), "Correct the line, or remove the file and enter the passwords again")
	}
	if doc.Version > 1 {
		return nil, f.unreadable(&VersionError{Path: f.path, Found: doc.Version, Known: 1}, "")
	}
	if doc.Passwords == nil {
		doc.Passwords = map[string]string{}
	}
	return doc.Passwords, nil
}

func (f *fileSecrets) unreadable(err error, fix string) error {
	return fmt.Errorf("%w: %w", ErrSecretsUnavailable, &ProfileError{Op: "read", Path: f.path, Fix: fix, Err: err})
}
