package storage

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const fileComment = `# Settings of Parley. You may edit this file while Parley is not running.
# Mistakes do no harm: Parley names their line and keeps the file aside.
`

// render returns the settings file for s and what else it holds. s must be
// valid.
func render(s Settings, x extras) []byte {
	var b strings.Builder
	b.WriteString(fileComment)
	fmt.Fprintf(&b, "\nversion = %d\n", Version)
	writeLines(&b, x[rootPlace])
	for _, sec := range sections {
		fmt.Fprintf(&b, "\n# %s\n[%s]\n", sec.doc, sec.name)
		prefix := sec.name + "."
		for _, k := range settingKeys {
			if name, ok := strings.CutPrefix(k.Name, prefix); ok {
				writeKey(&b, k, &s, name, true)
			}
		}
		writeLines(&b, x[sec.name])
	}
	for _, g := range s.API.Apps {
		fmt.Fprintf(&b, "\n[[%s]]\n", appsTable)
		for _, k := range appKeys {
			writeKey(&b, k, &g, k.Name, false)
		}
		writeLines(&b, x[appPlace(g)])
	}
	b.WriteString("\n# Accounts, one block each. Passwords are kept elsewhere.\n")
	for i, a := range s.Accounts {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[[%s]]\n", accountsTable)
		writeKey(&b, idKey, &a, idKey.Name, false)
		for _, k := range accountKeys {
			writeKey(&b, k, &a, k.Name, i == 0)
		}
		writeLines(&b, x[accountPlace(a.ID)])
		writeLines(&b, x[accountTablesPlace(a.ID)])
	}
	if rest := x[restPlace]; len(rest) > 0 {
		b.WriteString("\n# Not known to this version of Parley.\n")
		writeLines(&b, rest)
	}
	return []byte(b.String())
}

func writeLines(b *strings.Builder, lines []string) {
	for _, l := range lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
}

func writeKey[T any](b *strings.Builder, k Key[T], t *T, name string, withDoc bool) {
	if withDoc && k.Doc != "" {
		fmt.Fprintf(b, "# %s%s\n", k.Doc, valuesNote(k))
	}
	b.WriteString(name)
	b.WriteString(" = ")
	switch p := k.ref(t).(type) {
	case *string:
		b.WriteString(quote(*p))
	case *bool:
		b.WriteString(strconv.FormatBool(*p))
	case *int, *time.Duration:
		b.WriteString(k.Get(t))
	case *[]string:
		b.WriteByte('[')
		for i, s := range *p {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(s))
		}
		b.WriteByte(']')
	}
	b.WriteByte('\n')
}

// valuesNote names what a setting can be, if that can be listed and is not just
// true and false.
func valuesNote[T any](k Key[T]) string {
	_, isList := k.ref(new(T)).(*[]string)
	switch {
	case isList && k.rule.words != nil:
		return " Known are " + strings.Join(k.rule.words, ", ") + "."
	case k.rule.words != nil:
		return " One of " + strings.Join(k.rule.words, ", ") + "."
	case k.rule.nums != nil:
		return " " + strings.Replace(k.Want(), "one of the numbers", "One of", 1) + "."
	}
	return ""
}

// quote returns s as a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
