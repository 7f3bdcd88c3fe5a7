package sip

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// tlsClient dresses c for a handshake in which the server must prove the name
// of k, or its address where the route has no name. pinned is set in the handshake
// if [Config].VerifyServer took the server for whom it has to be.
func (e *Endpoint) tlsClient(c net.Conn, k streamKey, pinned *bool) *tls.Conn {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.cfg.TLS != nil {
		cfg = e.cfg.TLS.Clone()
	}
	host := k.serverName
	if host == "" {
		host = k.remote.Addr().String()
	}
	cfg.ServerName = host
	verify := e.verifierOf(cfg, host)
	// Verification is all done below, since a SIP domain may also stand in a URI
	// (RFC 5922 section 7.1) and a person may have accepted this certificate.
	cfg.InsecureSkipVerify = true
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		if e.cfg.VerifyServer != nil && len(s.PeerCertificates) > 0 {
			decided, err := e.cfg.VerifyServer(host, s.PeerCertificates)
			*pinned = decided && err == nil
			if decided && err != nil {
				return newCertificateError(host, s.PeerCertificates, err)
			}
			if decided {
				return nil
			}
		}
		return verify(s)
	}
	return tls.Client(c, cfg)
}

// Bounds on what a client may show for a certificate: it is kept for as long as
// the connection, and anybody can show one.
const (
	maxClientChain = 8
	maxClientBytes = 32 << 10
)

var (
	errChain  = errors.New("the client's certificate is too large")
	errShakes = fmt.Errorf("too many TLS handshakes from one host: %w", io.EOF) // the library closes without ado
)

// tlsServer is template for incoming connections. Where clients are asked for a
// certificate there are no session tickets: a ticket would stand for a key that is
// not proved again.
func tlsServer(template *tls.Config) *tls.Config {
	if template == nil {
		return nil
	}
	cfg := template.Clone()
	if cfg.ClientAuth == tls.NoClientCert {
		return cfg
	}
	own := cfg.VerifyConnection
	cfg.SessionTicketsDisabled = true
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		size := 0
		for _, c := range s.PeerCertificates {
			size += len(c.Raw)
		}
		if len(s.PeerCertificates) > maxClientChain || size > maxClientBytes {
			return errChain
		}
		if own != nil {
			return own(s)
		}
		return nil
	}
	return cfg
}

// verifierOf returns how a server's certificate is verified that
// [Config].VerifyServer leaves alone. What the template says comes first.
func (e *Endpoint) verifierOf(template *tls.Config, host string) func(tls.ConnectionState) error {
	roots, now, own := template.RootCAs, time.Now, template.VerifyConnection
	if template.Time != nil {
		now = template.Time
	}
	switch {
	case own == nil && template.InsecureSkipVerify:
		return func(tls.ConnectionState) error { return nil }
	case own != nil && template.InsecureSkipVerify:
		return own
	}
	return func(s tls.ConnectionState) error {
		err := verifyServer(s.PeerCertificates, host, roots, now())
		if err == nil && own != nil {
			return own(s)
		}
		if err == nil {
			return nil
		}
		ce := newCertificateError(host, s.PeerCertificates, err)
		if own == nil && e.cfg.TrustCertificate != nil && e.cfg.TrustCertificate(host, ce.Fingerprint) {
			return nil
		}
		return ce
	}
}

func verifyServer(chain []*x509.Certificate, host string, roots *x509.CertPool, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	leaf := chain[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now}); err != nil {
		return err
	}
	err := leaf.VerifyHostname(host)
	if err == nil {
		return nil
	}
	for _, u := range leaf.URIs {
		if strings.EqualFold(u.Scheme, "sip") && strings.EqualFold(u.Opaque, host) {
			return nil
		}
	}
	return err
}

func newCertificateError(host string, chain []*x509.Certificate, err error) *CertificateError {
	ce := &CertificateError{Host: host, Check: failedCheck(err), Err: err}
	if len(chain) > 0 {
		leaf := chain[0]
		sum := sha256.Sum256(leaf.Raw)
		ce.Subject, ce.Issuer = certificateName(leaf.Subject.CommonName, leaf.Subject.String()), certificateName(leaf.Issuer.CommonName, leaf.Issuer.String())
		ce.NotAfter, ce.Fingerprint = leaf.NotAfter, hex.EncodeToString(sum[:])
		if ce.Check == "expired" && time.Now().Before(leaf.NotBefore) {
			ce.Check = "not yet valid"
		}
	}
	return ce
}

func certificateName(common, full string) string {
	return CleanText(cmp.Or(common, full), 200)
}

func failedCheck(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid):
		if invalid.Reason == x509.Expired {
			return "expired"
		}
		return "other"
	case errors.As(err, new(x509.HostnameError)):
		return "name"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "authority"
	}
	return "other"
}

// asCertificateError finds or makes a [CertificateError] in a handshake's error.
func asCertificateError(err error) *CertificateError {
	var ce *CertificateError
	if errors.As(err, &ce) {
		return ce
	}
	var v *tls.CertificateVerificationError
	if errors.As(err, &v) {
		return newCertificateError("", v.UnverifiedCertificates, v.Err)
	}
	return nil
}
