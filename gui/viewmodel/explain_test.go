package viewmodel_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/middleware"
)

func TestExplain(t *testing.T) {
	cert := func(check string) *middleware.Certificate {
		return &middleware.Certificate{
			Check: check, Subject: "CN=other.example", Issuer: "CN=Cheap CA",
			NotAfter: time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC), Fingerprint: "ab12",
		}
	}
	tests := []struct {
		in   middleware.Failure
		want string
	}{
		{middleware.Failure{}, ""},
		{middleware.Failure{Kind: middleware.Declined, Code: 603}, "The call was declined."},
		{middleware.Failure{Kind: middleware.Busy, Code: 486}, "The line is busy."},
		{middleware.Failure{Kind: middleware.NoAnswer, Code: 480}, "Nobody can be reached there at the moment."},
		{middleware.Failure{Kind: middleware.NoAnswer, Code: 408}, "Nobody answered."},
		{middleware.Failure{Kind: middleware.NotFound, Code: 404}, "This number or address does not exist."},
		{middleware.Failure{Kind: middleware.Forbidden, Code: 403}, "The server does not allow this."},
		{middleware.Failure{Kind: middleware.BadPassword, Account: "alice@example.org"}, "The server refused the password for alice@example.org."},
		{middleware.Failure{Kind: middleware.BadPassword}, "The server refused the password."},
		{middleware.Failure{Kind: middleware.NoCommonCodec, Code: 488}, "The two phones have no way of coding sound in common."},
		{middleware.Failure{Kind: middleware.NeedsEncryption}, "One side insists on encryption and the other does not offer it."},
		{middleware.Failure{Kind: middleware.ServerTimeout, Host: "example.org"}, "example.org did not answer in time."},
		{middleware.Failure{Kind: middleware.ServerTimeout}, "The server did not answer in time."},
		{middleware.Failure{Kind: middleware.ServerTrouble, Host: "example.org"}, "example.org is in trouble or overloaded."},
		{middleware.Failure{Kind: middleware.ServerTrouble}, "The server is in trouble or overloaded."},
		{middleware.Failure{Kind: middleware.HostNotFound, Host: "exmple.org"}, "There is no server named exmple.org."},
		{middleware.Failure{Kind: middleware.HostNotFound}, "The server's name does not exist."},
		{middleware.Failure{Kind: middleware.Unreachable, Host: "192.0.2.1:5060"}, "192.0.2.1:5060 cannot be reached."},
		{middleware.Failure{Kind: middleware.Unreachable}, "The server cannot be reached."},
		{middleware.Failure{Kind: middleware.BadCertificate, Host: "example.org", Certificate: cert("expired")}, "The certificate of example.org expired on 2025-03-01."},
		{middleware.Failure{Kind: middleware.BadCertificate, Host: "example.org", Certificate: cert("name")}, "example.org shows a certificate that belongs to somebody else: CN=other.example."},
		{middleware.Failure{Kind: middleware.BadCertificate, Host: "example.org", Certificate: cert("authority")}, "The certificate of example.org was issued by somebody this computer does not trust: CN=Cheap CA."},
		{middleware.Failure{Kind: middleware.BadCertificate, Certificate: cert("other")}, "The certificate of the server, issued to CN=other.example, could not be verified."},
		{middleware.Failure{Kind: middleware.BadCertificate, Host: "example.org"}, "The certificate of example.org could not be verified."},
		{middleware.Failure{Kind: middleware.Unsupported}, "The server demands something that Parley does not offer."},
		{middleware.Failure{Kind: middleware.Canceled}, "The call was canceled."},
		{middleware.Failure{Kind: middleware.Elsewhere}, "The call was answered on another phone."},
		{middleware.Failure{Kind: middleware.LostPeer}, "The connection to the other side was lost."},
		{middleware.Failure{Kind: middleware.Forwarded}, "The call was forwarded."},
		{middleware.Failure{Kind: middleware.Forwarded, Detail: "bob@example.org"}, "The call was forwarded to bob@example.org."},
		{middleware.Failure{Kind: middleware.Moved}, "This number or address has moved."},
		{middleware.Failure{Kind: middleware.Moved, Detail: "b@c"}, "This number or address has moved to b@c."},
		{middleware.Failure{Kind: middleware.Expired}, "The other side gave no more sign of life, so the call was ended."},
		{middleware.Failure{Kind: middleware.Blocked}, "The call was turned away by your rules."},
		{middleware.Failure{Kind: middleware.KeyChanged}, "Someone else answered: the key is not the one that is remembered. There was no call."},
		{middleware.Failure{Kind: middleware.NoMedia}, "No sound connection could be opened on this computer."},
		{middleware.Failure{Kind: middleware.NoKeyring}, "The password store of this computer cannot be used."},
		{middleware.Failure{Kind: middleware.OtherFailure, Code: 499, Reason: "Odd"}, "The call was refused: Odd (499)."},
		{middleware.Failure{Kind: middleware.OtherFailure, Code: 499}, "The call was refused (499)."},
		{middleware.Failure{Kind: middleware.OtherFailure}, "It did not work."},
	}
	told := map[middleware.FailureKind]bool{}
	for _, tt := range tests {
		told[tt.in.Kind] = true
		if got := viewmodel.Explain(tt.in); got != tt.want {
			t.Errorf("Explain(%v, %d) = %q, want %q", tt.in.Kind, tt.in.Code, got, tt.want)
		}
	}
	for k := middleware.NoFailure; k <= middleware.OtherFailure; k++ {
		if !told[k] {
			t.Errorf("no row explains %v", k)
		}
	}
}

func TestEverySentenceIsTranslated(t *testing.T) {
	if err := i18n.Use(i18n.Pseudo); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = i18n.Use(i18n.English) }()
	for k := middleware.NoFailure + 1; k <= middleware.OtherFailure; k++ {
		for _, f := range []middleware.Failure{{Kind: k}, {Kind: k, Host: "h", Account: "a@b", Code: 480, Certificate: &middleware.Certificate{Check: "name"}}} {
			if got := viewmodel.Explain(f); !strings.HasPrefix(got, "[") || !strings.HasSuffix(got, "]") {
				t.Errorf("Explain(%v) = %q, which is not translated", k, got)
			}
		}
	}
}

func TestExplainError(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{nil, ""},
		{fmt.Errorf("x: %w", middleware.ErrNoAccount), "A number or name alone needs an account. Add one, or dial a full address."},
		{middleware.ErrNoTarget, "That is neither a number nor an address."},
		{middleware.ErrAccountExists, "There is an account with this address already."},
		{middleware.ErrNoSuchAccount, "This account no longer exists."},
		{middleware.ErrAccountInactive, "This account is switched off."},
		{middleware.ErrAddress, "That is no SIP address. One looks like alice@example.org."},
		{middleware.ErrStopping, "Parley is just quitting."},
		{middleware.ErrNoStream, "The call has no sound yet."},
		{fmt.Errorf("%w: bob@example.org", middleware.ErrForwardLoop), "The call would come back from there."},
		{middleware.ErrForwardTarget, "Calls cannot be forwarded there."},
		{middleware.ErrNoFeatureCode, "The account has no code for that. It belongs to the account's settings."},
		{errors.New("disk full"), "That did not work: disk full"},
		{errors.New("middleware: storage: proxy cannot be x"), "That did not work: proxy cannot be x"},
	}
	for _, tt := range tests {
		if got := viewmodel.ExplainError(tt.err); got != tt.want {
			t.Errorf("ExplainError(%v) = %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestFactsNameCodeAndCertificate(t *testing.T) {
	f := middleware.Failure{
		Kind: middleware.BadCertificate, Code: 503, Reason: "Nope", Detail: "tls: bad",
		Certificate: &middleware.Certificate{Subject: "CN=a", Issuer: "CN=b", Fingerprint: "ab12"},
	}
	got := viewmodel.Facts(f)
	for _, want := range []string{"503", "Nope", "tls: bad", "CN=a", "CN=b", "ab12"} {
		if !strings.Contains(got, want) {
			t.Errorf("Facts() = %q, want %q in it", got, want)
		}
	}
}
