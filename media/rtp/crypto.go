package rtp

import (
	"bytes"
	"fmt"
	"log/slog"

	"github.com/pion/srtp/v3"
)

// replayWindow is how many packets may arrive late or twice before replays can
// no longer be told.
const replayWindow = 256

// Crypto holds the SDES keys of both directions (RFC 4568).
type Crypto struct {
	Suite                 string // as in a=crypto, "AES_CM_128_HMAC_SHA1_80"
	LocalKey, LocalSalt   []byte // what we send with
	RemoteKey, RemoteSalt []byte
}

// LogValue keeps keys out of logs.
func (c Crypto) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String names the suite only.
func (c Crypto) String() string { return c.Suite + " (keys hidden)" }

// profile maps a crypto suite to what pion calls it.
func profile(suite string) (srtp.ProtectionProfile, error) {
	switch suite {
	case "AES_CM_128_HMAC_SHA1_80":
		return srtp.ProtectionProfileAes128CmHmacSha1_80, nil
	case "AES_CM_128_HMAC_SHA1_32":
		return srtp.ProtectionProfileAes128CmHmacSha1_32, nil
	case "AES_256_CM_HMAC_SHA1_80", "AES_CM_256_HMAC_SHA1_80":
		return srtp.ProtectionProfileAes256CmHmacSha1_80, nil
	case "AES_256_CM_HMAC_SHA1_32", "AES_CM_256_HMAC_SHA1_32":
		return srtp.ProtectionProfileAes256CmHmacSha1_32, nil
	case "AEAD_AES_128_GCM":
		return srtp.ProtectionProfileAeadAes128Gcm, nil
	case "AEAD_AES_256_GCM":
		return srtp.ProtectionProfileAeadAes256Gcm, nil
	}
	return 0, fmt.Errorf("rtp: unknown crypto suite %q", suite)
}

// A keyring is the SRTP state of one direction. RTP and RTCP have contexts of
// their own, for different goroutines use them; nil contexts mean plain.
type keyring struct {
	suite     string
	key, salt []byte
	rtp, rtcp *srtp.Context
}

// same reports whether k was made of that key, so that its counters must go on.
func (k *keyring) same(suite string, key, salt []byte) bool {
	return k.rtp != nil && k.suite == suite && bytes.Equal(k.key, key) && bytes.Equal(k.salt, salt)
}

// newKeyring derives the contexts of one direction.
func newKeyring(suite string, key, salt []byte) (keyring, error) {
	p, err := profile(suite)
	if err != nil {
		return keyring{}, err
	}
	opts := []srtp.ContextOption{
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow),
	}
	k := keyring{suite: suite, key: bytes.Clone(key), salt: bytes.Clone(salt)}
	if k.rtp, err = srtp.CreateContext(key, salt, p, opts...); err != nil {
		return keyring{}, fmt.Errorf("rtp: key for %s: %w", suite, err)
	}
	if k.rtcp, err = srtp.CreateContext(key, salt, p, opts...); err != nil {
		return keyring{}, fmt.Errorf("rtp: key for %s: %w", suite, err)
	}
	return k, nil
}

// setCrypto replaces the keyrings whose keys have changed. The old incoming one
// is kept until a packet fits the new one, for packets cross signalling. All
// three locks must be held.
func (s *Session) setCrypto(c *Crypto) error {
	if c == nil {
		s.tx.keys, s.rx.keys, s.rx.oldKeys = keyring{}, keyring{}, keyring{}
		s.ctl.in, s.ctl.out = nil, nil
		return nil
	}
	out, in := s.tx.keys, s.rx.keys
	var err error
	if !out.same(c.Suite, c.LocalKey, c.LocalSalt) {
		if out, err = newKeyring(c.Suite, c.LocalKey, c.LocalSalt); err != nil {
			return err
		}
	}
	if !in.same(c.Suite, c.RemoteKey, c.RemoteSalt) {
		if in, err = newKeyring(c.Suite, c.RemoteKey, c.RemoteSalt); err != nil {
			return err
		}
		s.rx.oldKeys = s.rx.keys
	}
	s.tx.keys, s.rx.keys = out, in
	s.ctl.out, s.ctl.in = out.rtcp, in.rtcp
	return nil
}
