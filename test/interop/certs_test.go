package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// An authority signs the certificates of the peers.
type authority struct {
	file string // its certificate, PEM
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A certificate is one that an authority has signed, with its key, in files.
type certificate struct{ cert, key, both string }

// testAuthority is the one whose certificate the phones trust.
var testAuthority = sync.OnceValues(func() (*authority, error) { return newAuthority("trusted") })

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority " + name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	a := &authority{file: filepath.Join(root, "ca-"+name+".pem"), key: key}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	return a, os.WriteFile(a.file, pemOf("CERTIFICATE", der), 0o600)
}

// issue signs a certificate for a domain, valid until the given time, and leaves
// it in dir.
func (a *authority) issue(dir, domain string, until time.Time, addrs ...net.IP) (certificate, error) {
	files := certificate{
		cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), both: filepath.Join(dir, "both.pem"),
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return files, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: domain},
		NotBefore: until.AddDate(-1, 0, 0), NotAfter: until,
		DNSNames: []string{domain}, URIs: []*url.URL{{Scheme: "sip", Opaque: domain}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if domain == testDomain || domain == pictureDomain {
		template.IPAddresses = append([]net.IP{net.ParseIP(loopback)}, addrs...)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return files, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return files, err
	}
	c, k := pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", private)
	for name, text := range map[string][]byte{files.cert: c, files.key: k, files.both: append(append([]byte{}, c...), k...)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return files, err
		}
	}
	return files, nil
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
