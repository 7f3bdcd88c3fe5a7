// Package i18n gives every visible text in the person's language.
//
// The keys are the English texts themselves, so a text that a catalog lacks is
// shown in English. Catalogs are the JSON files in folder catalogs, one object
// of key and translation each, named by their language tag.
package i18n

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

//go:embed catalogs/*.json
var files embed.FS

// The languages that are no catalog.
const (
	System  = "system" // the language of the person's session
	English = "en"     // the keys themselves
	Pseudo  = "en-XA"  // accented, longer and in brackets, to find what is not translated
)

// ErrNoLanguage is returned for a language that there is no catalog of.
var ErrNoLanguage = errors.New("i18n: no such language")

// A catalog turns keys into texts.
type catalog struct {
	language  string
	texts     map[string]string
	translate func(string) string // in place of texts, if set
}

// current is the catalog in use. A program speaks one language at a time, so
// this is the one thing in the window that belongs to the whole process; it is
// set by Use alone.
var current atomic.Pointer[catalog]

// T returns the text of key in the language in use, with args put in as
// fmt.Sprintf does. A translation may use them in another order: %[2]s.
func T(key string, args ...any) string {
	text := lookup(key)
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// N is T with a choice between one and many of n, which is not an argument by
// itself.
func N(one, many string, n int, args ...any) string {
	if n == 1 {
		return T(one, args...)
	}
	return T(many, args...)
}

func lookup(key string) string {
	c := current.Load()
	switch {
	case c == nil:
		return key
	case c.translate != nil:
		return c.translate(key)
	}
	if text, ok := c.texts[key]; ok && text != "" {
		return text
	}
	return key
}

// Use makes T speak a language: System, English, Pseudo or one of [Languages].
// After an error the language is as before.
func Use(language string) error {
	c, err := find(language)
	if err != nil {
		return err
	}
	current.Store(c)
	return nil
}

// Current returns the tag of the language in use.
func Current() string {
	if c := current.Load(); c != nil {
		return c.language
	}
	return English
}

// find returns the catalog of a language, or nil for English.
func find(language string) (*catalog, error) {
	switch language {
	case System, "":
		return ofSystem(), nil
	case English:
		return nil, nil
	case Pseudo:
		return &catalog{language: Pseudo, translate: pseudo}, nil
	}
	return read(language)
}

// ofSystem follows the environment as gettext does; English if there is no
// catalog for it.
func ofSystem() *catalog {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value, _, _ := strings.Cut(os.Getenv(name), ".")
		if value == "" {
			continue
		}
		tag := strings.ReplaceAll(value, "_", "-")
		for _, try := range []string{tag, strings.SplitN(tag, "-", 2)[0]} {
			if c, err := read(try); err == nil {
				return c
			}
		}
		return nil
	}
	return nil
}

func read(language string) (*catalog, error) {
	if strings.ContainsAny(language, `/\.`) {
		return nil, fmt.Errorf("%w: %q", ErrNoLanguage, language)
	}
	data, err := files.ReadFile("catalogs/" + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrNoLanguage, language)
	}
	texts := map[string]string{}
	if err := json.Unmarshal(data, &texts); err != nil {
		return nil, fmt.Errorf("i18n: catalog %s: %w", language, err)
	}
	return &catalog{language: language, texts: texts}, nil
}

// Languages lists the languages that can be chosen, English first.
func Languages() []string {
	list := []string{English}
	names, err := fs.Glob(files, "catalogs/*.json")
	if err != nil {
		return list
	}
	for _, name := range names {
		tag := strings.TrimSuffix(strings.TrimPrefix(name, "catalogs/"), ".json")
		list = append(list, tag)
	}
	slices.Sort(list[1:])
	return list
}

// Name returns a language's name in that language.
func Name(language string) string {
	switch language {
	case System:
		return T("System language")
	case English:
		return "English"
	}
	c, err := read(language)
	if err != nil {
		return language
	}
	if name := c.texts["English"]; name != "" {
		return name
	}
	return language
}
