package sip

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"time"
)

// tlsClient dresses c for a handshake in which the server must prove the name
// of k, or its address where the route has no name.
func (e *Endpoint) tlsClient(c net.Conn, k streamKey) *tls.Conn {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.cfg.TLS != nil {
		cfg = e.cfg.TLS.Clone()
	}
	host := k.serverName
	if host == "" {
		host = k.remote.Addr().String()
	}
	cfg.ServerName = host
	if cfg.InsecureSkipVerify || cfg.VerifyConnection != nil {
		return tls.Client(c, cfg) // the owner of the template decides
	}
	// Verification is done below, since a SIP domain may also stand in a URI
	// (RFC 5922 section 7.1) and a person may have accepted this certificate.
	cfg.InsecureSkipVerify = true
	roots := cfg.RootCAs
	now := time.Now
	if cfg.Time != nil {
		now = cfg.Time
	}
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		err := verifyServer(s.PeerCertificates, host, roots, now())
		if err == nil {
			return nil
		}
		ce := newCertificateError(host, s.PeerCertificates, err)
		if e.cfg.TrustCertificate != nil && e.cfg.TrustCertificate(host, ce.Fingerprint) {
			return nil
		}
		return ce
	}
	return tls.Client(c, cfg)
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
