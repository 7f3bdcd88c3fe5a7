package storage

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"time"
)

// identityLife is how long the certificate is valid. Trust rests on its key,
// not on its dates, so it is long.
const identityLife = 30 * 365 * 24 * time.Hour

// loadIdentity reads the certificate and key in the file path, or makes them if
// there is no such file. now is when a new certificate begins to be valid, less
// one day for clocks that differ.
func loadIdentity(path string, now time.Time) (tls.Certificate, error) {
	removeTemps(path)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = newIdentity(now); err != nil {
			return tls.Certificate{}, fmt.Errorf("storage: make certificate: %w", err)
		}
		if err := (writer{}).replace(path, data); err != nil {
			return tls.Certificate{}, err
		}
	} else if err != nil {
		return tls.Certificate{}, identityError(path, err)
	}
	if info, err := os.Stat(path); err == nil && wideMode(info) {
		return tls.Certificate{}, &ProfileError{
			Op: "use certificate", Path: path,
			Err: fmt.Errorf("others can read its key (mode %04o)", info.Mode().Perm()),
			Fix: fmt.Sprintf("Run: chmod 600 %s", path),
		}
	}
	cert, err := tls.X509KeyPair(data, data)
	if err != nil {
		return tls.Certificate{}, identityError(path, err)
	}
	return cert, nil
}

func identityError(path string, err error) error {
	return &ProfileError{
		Op: "read certificate", Path: path, Err: err,
		Fix: "If you remove the file Parley makes a new one, and people who trusted the old one are asked again",
	}
}

// newIdentity returns a self-signed certificate and its key, both in PEM.
func newIdentity(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Parley"},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.Add(identityLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		return nil, err
	}
	if err := pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// instanceID returns a URN that names the holder of a certificate's key, for
// the +sip.instance parameter (RFC 5626 section 4.1). It is a UUID of version 8
// (RFC 9562 section 5.8) made of a hash.
func instanceID(cert tls.Certificate) (string, error) {
	leaf := cert.Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return "", fmt.Errorf("storage: parse certificate: %w", err)
		}
	}
	return "urn:uuid:" + InstanceOf(leaf), nil
}

// InstanceOf returns the instance id of the Parley that holds the certificate's
// key, as in [Profile.InstanceID] but without "urn:uuid:". It follows from the key
// alone: nobody else can show a certificate that gives the same.
func InstanceOf(cert *x509.Certificate) string {
	u := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}
