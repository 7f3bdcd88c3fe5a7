package middleware

import (
	"context"
	"fmt"
	"testing"

	"parley/middleware/registration"
	"parley/sip"
	"parley/storage"
)

func TestRetryKind(t *testing.T) {
	for _, tt := range []struct {
		err  error
		kind FailureKind
		want registration.Failure
	}{
		{&sip.StatusError{Code: 403}, Forbidden, registration.Refused},
		{&sip.StatusError{Code: 503}, ServerTrouble, registration.Temporary},
		{&sip.StatusError{Code: 420}, Unsupported, registration.Unsupported},
		{&sip.CertificateError{Check: "expired"}, BadCertificate, registration.Untrusted},
		{sip.ErrTimeout, ServerTimeout, registration.Temporary},
		// Each try would put the keyring's question to the person again.
		{fmt.Errorf("read: %w", storage.ErrSecretsUnavailable), NoKeyring, registration.Refused},
		{context.Canceled, OtherFailure, registration.Temporary},
	} {
		f := failureOf(tt.err)
		if got := f.retryKind(); f.Kind != tt.kind || got != tt.want {
			t.Errorf("failureOf(%v) = %v, retryKind %v, want %v and %v", tt.err, f.Kind, got, tt.kind, tt.want)
		}
	}
}
