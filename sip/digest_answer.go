package sip

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// digestAlgorithm is one that can be answered.
type digestAlgorithm struct {
	hash string // the name without "-sess"; "" is none
	sess bool
	rank int // the higher is preferred
}

func digestAlgorithmOf(name string) digestAlgorithm {
	if name == "" {
		name = "MD5"
	}
	hash, sess := strings.CutSuffix(strings.ToUpper(name), "-SESS")
	switch hash {
	case "MD5":
		return digestAlgorithm{hash, sess, 1}
	case "SHA-256", "SHA-512-256":
		return digestAlgorithm{hash, sess, 2}
	}
	return digestAlgorithm{}
}

// sum returns the hash of s in hexadecimal.
func (a digestAlgorithm) sum(s string) string {
	switch a.hash {
	case "SHA-256":
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:])
	case "SHA-512-256":
		h := sha512.Sum512_256([]byte(s))
		return hex.EncodeToString(h[:])
	}
	h := md5.Sum([]byte(s)) // what most servers still ask for (RFC 3261 section 22.4)
	return hex.EncodeToString(h[:])
}

// response is the request-digest of RFC 7616 section 3.4.1, or of RFC 2069 if
// qop is empty.
func (a digestAlgorithm) response(c Credentials, realm, nonce, cnonce, count, qop, method, uri string, body []byte) string {
	a1 := c.Username + ":" + realm + ":" + c.Password
	if a.sess {
		a1 = a.sum(a1) + ":" + nonce + ":" + cnonce
	}
	a2 := method + ":" + uri
	if qop == "auth-int" {
		a2 += ":" + a.sum(string(body))
	}
	if qop == "" {
		return a.sum(a.sum(a1) + ":" + nonce + ":" + a.sum(a2))
	}
	return a.sum(strings.Join([]string{a.sum(a1), nonce, count, cnonce, qop, a.sum(a2)}, ":"))
}

// digestChallenge is one challenge of a server.
type digestChallenge struct {
	scheme        string // lower case
	realm         string
	nonce         string
	opaque        string
	hasOpaque     bool
	stale         bool
	algorithm     digestAlgorithm
	algorithmName string   // as the server wrote it, "" if it did not
	qop           []string // lower case, nil if the server named none
}

func (c digestChallenge) usable() bool {
	if c.scheme != "digest" || c.nonce == "" || c.algorithm.hash == "" {
		return false
	}
	if c.qop == nil {
		return !c.algorithm.sess // its client nonce could not be told to the server
	}
	return c.quality() != ""
}

// quality returns the quality of protection to use, "" for that of RFC 2069.
func (c digestChallenge) quality() string {
	for _, q := range []string{"auth", "auth-int"} {
		if slices.Contains(c.qop, q) {
			return q
		}
	}
	return ""
}

// answer returns the credentials field for one request.
func (n *digestNonce) answer(c Credentials, method, uri string, body []byte) string {
	qop, count := n.quality(), fmt.Sprintf("%08x", n.count)
	var b strings.Builder
	fmt.Fprintf(&b, "Digest username=%s, realm=%s, nonce=%s, uri=%s, response=%q",
		quoteString(c.Username), quoteString(n.realm), quoteString(n.nonce), quoteString(uri),
		n.algorithm.response(c, n.realm, n.nonce, n.cnonce, count, qop, method, uri, body))
	if n.algorithmName != "" {
		b.WriteString(", algorithm=" + n.algorithmName)
	}
	if n.hasOpaque {
		b.WriteString(", opaque=" + quoteString(n.opaque))
	}
	if qop != "" {
		fmt.Fprintf(&b, ", qop=%s, nc=%s, cnonce=%q", qop, count, n.cnonce)
	}
	return b.String()
}

// digestParse reads the challenges of one header line. RFC 3261 allows one in
// a line, HTTP several with commas between; both occur. What cannot be read is
// left out.
func digestParse(line string) []digestChallenge {
	if len(line) > maxHeaderValue {
		return nil
	}
	var out []digestChallenge
	for s := line; ; {
		s = strings.TrimLeft(s, ", \t")
		if s == "" {
			return out
		}
		word := s[:len(s)-len(strings.TrimLeftFunc(s, func(r rune) bool { return r < 0x80 && isTokenByte(byte(r)) }))]
		if word == "" {
			s = s[1:]
			continue
		}
		s = addressTrim(s[len(word):])
		if !strings.HasPrefix(s, "=") {
			if len(out) == maxDigestRealms {
				return out
			}
			out = append(out, digestChallenge{scheme: strings.ToLower(word), algorithm: digestAlgorithmOf("")})
			continue
		}
		var value string
		value, s = digestValue(addressTrim(s[1:]))
		if len(out) > 0 {
			out[len(out)-1].set(strings.ToLower(word), value)
		}
	}
}

func digestValue(s string) (value, rest string) {
	if strings.HasPrefix(s, `"`) {
		if text, rest, err := addressUnquote(s); err == nil {
			return text, rest
		}
		return "", ""
	}
	value, rest, _ = strings.Cut(s, ",")
	return addressTrim(value), rest
}

func (c *digestChallenge) set(name, value string) {
	switch name {
	case "realm":
		c.realm = value
	case "nonce":
		c.nonce = value
	case "opaque":
		c.opaque, c.hasOpaque = value, true
	case "stale":
		c.stale = strings.EqualFold(value, "true")
	case "algorithm":
		c.algorithmName, c.algorithm = value, digestAlgorithmOf(value)
	case "qop":
		c.qop = []string{}
		for q := range strings.SplitSeq(strings.ToLower(value), ",") {
			c.qop = append(c.qop, addressTrim(q))
		}
	}
}
