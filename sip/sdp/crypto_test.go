package sdp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const inline30 = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj" // of RFC 4568 section 5.3

func TestParseCrypto(t *testing.T) {
	tests := []struct {
		in  string
		tag int // 0: not usable
		mki string
	}{
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "|2^20|1:4", 1, "00000001"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30, 1, ""},
		{"999999999 AES_CM_128_HMAC_SHA1_32 inline:" + inline30, 999999999, ""},
		{"02  aes_cm_128_hmac_sha1_80   INLINE:" + inline30, 2, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "|2^31", 1, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "|1048576|258:2", 1, "0102"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "|1:128", 1, strings.Repeat("00", 127) + "01"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "|1:4;inline:" + inline30 + "|2:4", 1, "00000001"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + " WSH=64", 1, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + " -NEW=1", 1, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "|1:0", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "|1:129", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "|x:4", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + " KDR=1", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + " UNENCRYPTED_SRTCP", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + " UNAUTHENTICATED_SRTP", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30 + "AA", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30[1:], 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:!" + inline30[1:], 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 " + inline30, 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 uri:" + inline30, 0, ""},
		{"1 AEAD_AES_128_GCM inline:" + inline30, 0, ""}, // 28 bytes wanted
		{"1 F8_128_HMAC_SHA1_80 inline:" + inline30, 0, ""},
		{"x AES_CM_128_HMAC_SHA1_80 inline:" + inline30, 0, ""},
		{"-1 AES_CM_128_HMAC_SHA1_80 inline:" + inline30, 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80", 0, ""},
		{"", 0, ""},
	}
	for _, tt := range tests {
		c, ok := parseCrypto(tt.in)
		if ok != (tt.tag != 0) {
			t.Errorf("parseCrypto(%q) = %t, want %t", tt.in, ok, tt.tag != 0)
			continue
		}
		if !ok {
			continue
		}
		if got := hex.EncodeToString(c.key.MKI); c.key.Tag != tt.tag || got != tt.mki {
			t.Errorf("parseCrypto(%q) = tag %d, MKI %s, want %d, %s", tt.in, c.key.Tag, got, tt.tag, tt.mki)
		}
		if got := hex.EncodeToString(c.key.MasterKey) + hex.EncodeToString(c.key.MasterSalt); got !=
			"774466766726542b2978473740666235"+"6a552c5261417d5c7c7030252a23" || len(c.key.MasterKey) != 16 {
			t.Errorf("parseCrypto(%q) key = %s", tt.in, got)
		}
	}
}

// Every suite is printed so that it can be read again, with and without padding.
func TestCryptoSizes(t *testing.T) {
	r := keyring{rand: &counter{}, keys: map[string]Key{}}
	want := map[string][2]int{
		"AES_CM_128_HMAC_SHA1_80": {16, 14}, "AES_CM_128_HMAC_SHA1_32": {16, 14},
		"AES_256_CM_HMAC_SHA1_80": {32, 14}, "AES_256_CM_HMAC_SHA1_32": {32, 14},
		"AEAD_AES_128_GCM": {16, 12}, "AEAD_AES_256_GCM": {32, 12},
	}
	if len(suites) != len(want) {
		t.Errorf("%d suites, want %d", len(suites), len(want))
	}
	for _, s := range suites {
		k, err := r.key(s, 5)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]int{len(k.MasterKey), len(k.MasterSalt)}; got != want[s.name] {
			t.Errorf("%s: sizes = %v, want %v", s.name, got, want[s.name])
		}
		for _, line := range []string{k.attribute(s.name).Value, strings.TrimRight(k.attribute(s.name).Value, "=")} {
			c, ok := parseCrypto(line)
			if !ok || !c.key.Equal(&k) || c.key.Tag != 5 {
				t.Errorf("parseCrypto(%q) = %v, %t, want %v", line, c.key, ok, k)
			}
		}
	}
}

func TestKeyringKeepsAndForgets(t *testing.T) {
	r := keyring{rand: &counter{}, keys: map[string]Key{}}
	first, _ := r.key(suites[0], 1)
	other, _ := r.key(suites[1], 2)
	again, _ := r.key(suites[0], 3)
	if !first.Equal(&again) || again.Tag != 3 {
		t.Errorf("second key = %v, want the first with tag 3", again)
	}
	if bytes.Equal(first.MasterKey, other.MasterKey) {
		t.Errorf("two suites share a key")
	}
	r.forget(suites[0].name)
	if fresh, _ := r.key(suites[0], 1); fresh.Equal(&first) {
		t.Errorf("the key was not forgotten")
	}
}

func TestKeyEqual(t *testing.T) {
	k := func(suite, key, salt, mki string) *Key {
		return &Key{Suite: suite, MasterKey: []byte(key), MasterSalt: []byte(salt), MKI: []byte(mki)}
	}
	tests := []struct {
		a, b *Key
		want bool
	}{
		{nil, nil, true},
		{k("s", "k", "t", ""), nil, false},
		{nil, k("s", "k", "t", ""), false},
		{k("s", "k", "t", "m"), k("s", "k", "t", "m"), true},
		{k("s", "k", "t", "m"), k("S", "k", "t", "m"), false},
		{k("s", "k", "t", "m"), k("s", "K", "t", "m"), false},
		{k("s", "k", "t", "m"), k("s", "k", "T", "m"), false},
		{k("s", "k", "t", "m"), k("s", "k", "t", "M"), false},
	}
	for i, tt := range tests {
		if got := tt.a.Equal(tt.b); got != tt.want {
			t.Errorf("row %d: Equal = %t, want %t", i, got, tt.want)
		}
	}
}

// A key must not come out by any of the ways in which values get into logs.
func TestKeyIsRedacted(t *testing.T) {
	k := &Key{Tag: 1, Suite: SuiteAES128HMAC80, MasterKey: []byte("sesamesesamesesa"), MasterSalt: []byte("saltsaltsaltsa")}
	a := Agreed{LocalKey: k, RemoteKey: k}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{k, *k, a, &a, []*Key{k}, []Key{*k}, map[string]Key{"k": *k}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("Agreed", "key", k, "value", *k, "agreed", a, "pointer", &a)
	}
	if err := json.NewEncoder(&out).Encode(a); err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(out.String())
	for _, secret := range []string{"sesame", hex.EncodeToString([]byte("sesame")), "115 101 115", "0x73, 0x65", "c2vzyw1l", "saltsalt"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the output:\n%s", secret, text)
		}
	}
	if diff := cmp.Diff("crypto 1 AES_CM_128_HMAC_SHA1_80", fmt.Sprint(k)); diff != "" {
		t.Errorf("Sprint (-want +got):\n%s", diff)
	}
}
