package sdp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
)

// Security is how much encryption of the media is wanted.
type Security uint8

// The kinds of security.
const (
	SecurityOff     Security = iota // plain RTP; an offer of RTP/SAVP is refused
	SecurityPrefer                  // RTP/AVP with keys, plain if the far end has none (RFC 8643)
	SecurityRequire                 // RTP/SAVP, and no call without keys
)

// The crypto suites that are known (RFC 4568 section 6.2, RFC 6188 section 4, RFC
// 7714 section 14.2).
const (
	SuiteAES128HMAC80 = "AES_CM_128_HMAC_SHA1_80"
	SuiteAES128HMAC32 = "AES_CM_128_HMAC_SHA1_32"
	SuiteAES256HMAC80 = "AES_256_CM_HMAC_SHA1_80"
	SuiteAES256HMAC32 = "AES_256_CM_HMAC_SHA1_32"
	SuiteAES128GCM    = "AEAD_AES_128_GCM"
	SuiteAES256GCM    = "AEAD_AES_256_GCM"
)

// A suite gives the sizes of a crypto suite in bytes.
type suite struct {
	name, alias string // alias: a wrong name seen in the field
	key, salt   int
}

var suites = []suite{
	{SuiteAES128HMAC80, "", 16, 14},
	{SuiteAES128HMAC32, "", 16, 14},
	{SuiteAES256HMAC80, "AES_CM_256_HMAC_SHA1_80", 32, 14},
	{SuiteAES256HMAC32, "AES_CM_256_HMAC_SHA1_32", 32, 14},
	{SuiteAES128GCM, "", 16, 12},
	{SuiteAES256GCM, "", 32, 12},
}

// DefaultSuites returns the suites offered where [Local] names none.
func DefaultSuites() []string {
	return []string{SuiteAES256GCM, SuiteAES256HMAC80, SuiteAES128HMAC80, SuiteAES128HMAC32}
}

// suiteOf returns the suite of that name or alias, in any case.
func suiteOf(name string) (suite, bool) {
	for _, s := range suites {
		if strings.EqualFold(name, s.name) || s.alias != "" && strings.EqualFold(name, s.alias) {
			return s, true
		}
	}
	return suite{}, false
}

// A Key is the SRTP master key of one direction. It shows neither key nor salt
// however it is printed, logged or encoded as text.
type Key struct {
	Tag        int    // of the crypto line
	Suite      string // one of the Suite constants
	MasterKey  []byte
	MasterSalt []byte
	MKI        []byte // empty: packets carry no master key identifier
}

// String returns tag and suite.
func (k Key) String() string { return fmt.Sprintf("crypto %d %s", k.Tag, k.Suite) }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer].
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText keeps encoders such as JSON from the key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Equal reports whether k and o protect packets alike; tags do not matter. Both
// may be nil.
func (k *Key) Equal(o *Key) bool {
	if k == nil || o == nil {
		return k == o
	}
	return k.Suite == o.Suite && bytes.Equal(k.MasterKey, o.MasterKey) &&
		bytes.Equal(k.MasterSalt, o.MasterSalt) && bytes.Equal(k.MKI, o.MKI)
}

// attribute returns the crypto attribute of k (RFC 4568 section 9.1). name is the
// suite as the far end spelled it.
func (k Key) attribute(name string) Attribute {
	inline := base64.StdEncoding.EncodeToString(slices.Concat(k.MasterKey, k.MasterSalt))
	return Attribute{"crypto", fmt.Sprintf("%d %s inline:%s", k.Tag, name, inline)}
}

// A cryptoLine is one usable crypto attribute of the far end.
type cryptoLine struct {
	key  Key
	name string // of the suite, as it was spelled
}

// cryptoLines returns the crypto attributes of m that can be used, in order, and
// whether there were any at all.
func (m *Media) cryptoLines() (usable []cryptoLine, present bool) {
	for _, a := range m.Attributes {
		if !strings.EqualFold(a.Name, "crypto") {
			continue
		}
		present = true
		if c, ok := parseCrypto(a.Value); ok {
			usable = append(usable, c)
		}
	}
	return usable, present
}

// parseCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:…|2^31|1:4 WSH=64". Of
// several keys the first is taken. A line that asks for anything but plain
// encryption and authentication is not usable: what it asks for must not be
// ignored (RFC 4568 section 6.3).
func parseCrypto(value string) (cryptoLine, bool) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return cryptoLine{}, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 31)
	s, ok := suiteOf(f[1])
	if err != nil || !ok {
		return cryptoLine{}, false
	}
	for _, p := range f[3:] {
		if !strings.HasPrefix(p, "-") && !strings.HasPrefix(strings.ToUpper(p), "WSH=") {
			return cryptoLine{}, false
		}
	}
	k, ok := parseInline(f[2], s)
	k.Tag = int(tag)
	return cryptoLine{k, f[1]}, ok
}

// parseInline reads "inline:<key and salt>|<lifetime>|<MKI>:<length>".
func parseInline(value string, s suite) (Key, bool) {
	method, info, _ := strings.Cut(value, ":")
	if !strings.EqualFold(method, "inline") {
		return Key{}, false
	}
	info, _, _ = strings.Cut(info, ";")
	part := strings.Split(info, "|")
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(part[0], "="))
	if err != nil || len(raw) != s.key+s.salt {
		return Key{}, false
	}
	k := Key{Suite: s.name, MasterKey: raw[:s.key:s.key], MasterSalt: raw[s.key:]}
	for _, p := range part[1:] {
		id, length, found := strings.Cut(p, ":")
		if !found {
			continue // the lifetime: longer than any call
		}
		mki, ok := parseMKI(id, length)
		if !ok {
			return Key{}, false
		}
		k.MKI = mki
	}
	return k, true
}

// parseMKI returns the number id as length bytes, the first the highest.
func parseMKI(id, length string) ([]byte, bool) {
	v, err := strconv.ParseUint(id, 10, 64)
	n, err2 := strconv.ParseUint(length, 10, 8)
	if err != nil || err2 != nil || n < 1 || n > 128 || n < 8 && v>>(8*n) != 0 {
		return nil, false
	}
	mki := make([]byte, n)
	for i := len(mki) - 1; i >= 0; i-- {
		mki[i] = byte(v)
		v >>= 8
	}
	return mki, true
}

// A keyring makes our own keys, one for each suite, and keeps them over the
// session, so that an offer repeated does not change the encryption.
type keyring struct {
	rand io.Reader
	keys map[string]Key
}

// key returns our key for a suite under the given tag.
func (r *keyring) key(s suite, tag int) (Key, error) {
	k, ok := r.keys[s.name]
	if !ok {
		if r.rand == nil {
			return Key{}, errNoRandom
		}
		b := make([]byte, s.key+s.salt)
		if _, err := io.ReadFull(r.rand, b); err != nil {
			return Key{}, fmt.Errorf("sdp: make a key: %w", err)
		}
		k = Key{Suite: s.name, MasterKey: b[:s.key:s.key], MasterSalt: b[s.key:]}
		r.keys[s.name] = k
	}
	k.Tag = tag
	return k, nil
}

// forget makes the next key of a suite a new one.
func (r *keyring) forget(name string) { delete(r.keys, name) }
