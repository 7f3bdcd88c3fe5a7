package storage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Key is one setting of a T: its name, and how to read, check and change it
// by text. One table of keys serves the file, the command line and the desktop
// API.
type Key[T any] struct {
	Name    string // in the file and on the command line
	Doc     string // one or two sentences for people; may be empty
	Default string // as text

	// ref returns a pointer to the field: *string, *bool, *int,
	// *time.Duration or *[]string.
	ref  func(*T) any
	rule rule
}

// Keys returns the settings that are neither an account's nor a program's, by
// names such as "audio.input".
func Keys() []Key[Settings] { return slices.Clone(settingKeys) }

// AccountKeys returns the settings of an account, by names such as "transport".
// Its address is not among them.
func AccountKeys() []Key[Account] { return slices.Clone(accountKeys) }

// FindKey returns the key of that name, or an *UnknownKeyError. Case does not
// matter, and "-" may stand for "_".
func FindKey[T any](keys []Key[T], name string) (Key[T], error) {
	wanted := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	for _, k := range keys {
		if k.Name == wanted {
			return k, nil
		}
	}
	e := &UnknownKeyError{Key: name}
	for _, k := range keys {
		e.All = append(e.All, k.Name)
	}
	e.Near = nearest(wanted, e.All)
	return Key[T]{}, e
}

// Get returns the setting of t as text: numbers in decimal in the unit that Doc
// names, lists separated by commas.
func (k Key[T]) Get(t *T) string {
	switch p := k.ref(t).(type) {
	case *string:
		return *p
	case *bool:
		return strconv.FormatBool(*p)
	case *int:
		return strconv.Itoa(*p)
	case *time.Duration:
		return strconv.FormatInt(int64(*p/k.rule.unit), 10)
	case *[]string:
		return strings.Join(*p, ",")
	default:
		panic(fmt.Sprintf("storage: key %s has a field of type %T", k.Name, p))
	}
}

// Set changes the setting of t to the one that text stands for, in the form of
// Get; true and false may also be written on and off, yes and no. If text is
// not allowed t stays as it is and a *ValueError says what is.
func (k Key[T]) Set(t *T, text string) error {
	fail := &ValueError{Key: k.Name, Value: text, Want: k.Want()}
	switch p := k.ref(t).(type) {
	case *string:
		if !k.rule.allowsText(text) {
			return fail
		}
		*p = text
	case *bool:
		b, ok := parseBool(text)
		if !ok {
			return fail
		}
		*p = b
	case *int, *time.Duration:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || !k.setNumber(t, int64(n)) {
			return fail
		}
	case *[]string:
		list, ok := k.rule.list(splitList(text))
		if !ok {
			fail.Want = k.rule.explain(fail.Want, splitList(text))
			return fail
		}
		*p = list
	}
	return nil
}

// Values returns the words that the setting can be, or nil if they cannot be
// listed.
func (k Key[T]) Values() []string {
	if _, isBool := k.ref(new(T)).(*bool); isBool {
		return []string{"true", "false"}
	}
	return slices.Clone(k.rule.words)
}

// Want returns what the setting can be, for an error message: "one of auto,
// udp, tcp, tls".
func (k Key[T]) Want() string {
	if k.rule.want != "" {
		return k.rule.want
	}
	if _, isBool := k.ref(new(T)).(*bool); isBool {
		return "true or false"
	}
	return "text without control characters, at most " + strconv.Itoa(maxText) + " bytes"
}

// Check returns a *ValueError if the setting of t is not allowed.
func (k Key[T]) Check(t *T) error {
	ok, want := true, k.Want()
	switch p := k.ref(t).(type) {
	case *string:
		ok = k.rule.allowsText(*p)
	case *int:
		ok = k.rule.allowsNumber(int64(*p))
	case *time.Duration:
		ok = *p%k.rule.unit == 0 && k.rule.allowsNumber(int64(*p/k.rule.unit))
	case *[]string:
		list, valid := k.rule.list(*p)
		ok, want = valid && slices.Equal(list, *p), k.rule.explain(want, *p)
	}
	if !ok {
		return &ValueError{Key: k.Name, Value: k.Get(t), Want: want}
	}
	return nil
}

// setNumber sets an *int or *time.Duration and reports whether n is allowed.
func (k Key[T]) setNumber(t *T, n int64) bool {
	if !k.rule.allowsNumber(n) {
		return false
	}
	switch p := k.ref(t).(type) {
	case *int:
		*p = int(n)
	case *time.Duration:
		*p = time.Duration(n) * k.rule.unit
	default:
		return false
	}
	return true
}

// keysOf completes a table with the defaults found in def.
func keysOf[T any](def T, keys []Key[T]) []Key[T] {
	for i := range keys {
		keys[i].Default = keys[i].Get(&def)
	}
	return keys
}

func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "on", "yes", "1":
		return true, true
	case "false", "off", "no", "0":
		return false, true
	}
	return false, false
}

// splitList splits at commas; an empty text is an empty list.
func splitList(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}
