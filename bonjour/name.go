package bonjour

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Names are kept in presentation form, as package dns writes them: labels between
// dots, with a backslash before a byte that means something there, and other bytes
// than printable ASCII as \DDD. What people see is the raw label.

// maxLabel is the length of the longest label in bytes (RFC 1035 section 2.3.4).
const maxLabel = 63

// domain is where everything of multicast DNS lives.
const domain = "local."

// metaName lists the types of services there are (RFC 6763 section 9).
const metaName = "_services._dns-sd._udp." + domain

// special tells which bytes of a label have a backslash before them.
const special = `. '@;()"\`

// fold writes the letters of ASCII in lower case: names differ in nothing but case
// are the same (RFC 6762 section 16).
func fold(name string) string {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			b := []byte(name)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return name
}

// escapeLabel puts a raw label into presentation form.
func escapeLabel(raw string) string { return escape(raw, special) }

// escapeText puts a string of a TXT record into presentation form.
func escapeText(raw string) string { return escape(raw, `"\`) }

func escape(raw, special string) string {
	var b strings.Builder
	for i := range len(raw) {
		switch c := raw[i]; {
		case strings.IndexByte(special, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			b.Write([]byte{'\\', '0' + c/100, '0' + c/10%10, '0' + c%10})
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescape returns the raw bytes of a label or a string of a TXT record.
func unescape(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	raw := make([]byte, 0, len(text))
	for len(text) > 0 {
		var c byte
		c, text = nextByte(text)
		raw = append(raw, c)
	}
	return string(raw)
}

// nextByte takes the first raw byte off a text in presentation form, which is not
// empty.
func nextByte(text string) (byte, string) {
	if text[0] != '\\' || len(text) == 1 {
		return text[0], text[1:]
	}
	if len(text) >= 4 {
		if n, err := strconv.ParseUint(text[1:4], 10, 8); err == nil {
			return byte(n), text[4:]
		}
	}
	return text[1], text[2:]
}

// splitName cuts a name behind its first label, which stays in presentation form.
// The rest is empty for the root.
func splitName(name string) (label, rest string) {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++
		case '.':
			return name[:i], name[i+1:]
		}
	}
	return name, ""
}

// typeName is the name of a type of services, as "_sip._udp.local.".
func typeName(serviceType string) string { return serviceType + "." + domain }

// instanceName is the name of an instance, in presentation form.
func instanceName(raw, serviceType string) string {
	return escapeLabel(raw) + "." + typeName(serviceType)
}

// checkType reports what is wrong with a type of services (RFC 6763 section 7).
func checkType(serviceType string) error {
	service, protocol, _ := strings.Cut(serviceType, ".")
	name, underscore := strings.CutPrefix(service, "_")
	if !underscore || protocol != "_udp" && protocol != "_tcp" {
		return fmt.Errorf("bonjour: service type %q is not like _sip._udp", serviceType)
	}
	if name == "" || hostLabel(name) != name || len(name) > 15 {
		return fmt.Errorf("bonjour: service type %q: the name has 1 to 15 letters, digits and single hyphens (RFC 6335)", serviceType)
	}
	return nil
}

var errEmptyName = errors.New("bonjour: the name of a service is empty")

// instanceLabel makes a label of the name that somebody wants for a service: UTF-8
// in normal form without control characters, cut to the length of a label.
func instanceLabel(name string) (string, error) {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
	clean = strings.TrimSpace(cut(norm.NFC.String(clean), maxLabel))
	if clean == "" {
		return "", errEmptyName
	}
	return clean, nil
}

// numbered returns the name to use when that many others were taken: "Anna (2)".
func numbered(name string, n int) string {
	if n < 2 {
		return name
	}
	suffix := fmt.Sprintf(" (%d)", n)
	return strings.TrimRight(cut(name, maxLabel-len(suffix)), " ") + suffix
}

// hostLabel makes a label of a wish for a host name: letters and digits of ASCII,
// and single hyphens between them. It may be empty.
func hostLabel(wish string) string {
	b := make([]byte, 0, len(wish))
	for _, r := range wish {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b = append(b, byte(r))
		case r == '\'' || r == '’': // as in "Anna's"
		case len(b) > 0 && b[len(b)-1] != '-':
			b = append(b, '-')
		}
	}
	return strings.TrimRight(cut(string(b), maxLabel), "-")
}

// numberedHost returns the host name to use when that many others were taken:
// "laptop-2".
func numberedHost(label string, n int) string {
	if n < 2 {
		return label
	}
	suffix := "-" + strconv.Itoa(n)
	return strings.TrimRight(cut(label, maxLabel-len(suffix)), "-") + suffix
}

// cut returns the beginning of valid UTF-8 that fits into a number of bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
