package session

import "slices"

// An impossibility says why an input that no rule decides in some places cannot
// come there. Together with the rules it covers every place and every input that
// is no command; a command that no rule decides is refused.
type impossibility struct {
	on  []Input
	in  []Place
	why string
}

// Places by what there is of the call.
var (
	unborn   = []Place{{Null, Idle}, over}
	noCall   = append([]Place{looking}, unborn...)
	noDialog = []Place{inviting, ringing, accepting, canceling}
	unasked  = []Place{calm, offering, waiting, proposed, deciding}
	withCall = slices.Concat(noDialog, confirming, []Place{hangingUp})
)

var never = []impossibility{
	{
		[]Input{GotInvite, GotBadInvite},
		slices.Concat([]Place{looking, over}, withCall),
		"an INVITE begins a session",
	},
	{
		[]Input{
			GotProgress, GotAnswer, GotBadAnswer, GotRefusal, GotCancel, GotConfirmation, GotReinvite, GotEmptyReinvite, GotReinviteCancel, GotReinviteOK,
			GotReinviteGlare, GotReinviteRefusal, GotProposal, GotProposalOK, GotRefer, GotReferProgress, GotReferResult, GotBye, GotOver, RefreshDue,
		},
		noCall, "there is no call to hear from",
	},
	{
		[]Input{GotProgress},
		slices.Concat([]Place{ringing, accepting, hangingUp}, confirming),
		"the INVITE has its final response, or is the peer's",
	},
	{
		[]Input{GotAnswer},
		slices.Concat([]Place{ringing, accepting, hangingUp}, confirming),
		"the INVITE has its final response, or is the peer's",
	},
	{
		[]Input{GotBadAnswer},
		slices.Concat([]Place{ringing, accepting, calm, changing, waiting, proposing, recalling, proposed, deciding, hangingUp}),
		"no answer is awaited that could end the call",
	},
	{
		[]Input{GotRedirect},
		slices.Concat([]Place{{Null, Idle}, over, ringing, accepting, canceling, hangingUp}, confirming),
		"a 3xx is only followed while the INVITE is wanted; else it is GotRefusal",
	},
	{
		[]Input{GotConfirmation, GotEmptyReinvite, GotReinviteCancel, GotReinviteOK, GotReinviteGlare, GotReinviteRefusal, GotProposal, GotProposalOK, GotRefer, GotReferProgress, GotReferResult, RefreshDue},
		noDialog, "the dialog is not confirmed",
	},
	{[]Input{GotReinvite}, []Place{ringing, accepting, canceling}, "we send no offer before the answer, or the dialog is early and unwanted"},
	{[]Input{GotReinvite, GotEmptyReinvite, GotProposal}, []Place{answered}, "a re-INVITE confirms the answer first"},
	{[]Input{GotReinvite, GotEmptyReinvite, GotProposal}, []Place{proposed, deciding}, "the peer's last one is still open; the SIP layer turns a second one away"},
	{[]Input{GotReinviteCancel}, []Place{answered}, "the peer has sent no re-INVITE yet"},
	{[]Input{GotReinviteOK, GotReinviteGlare, GotReinviteRefusal}, append([]Place{answered}, unasked...), "no re-INVITE of ours is open"},
	{[]Input{GotProposalOK}, append([]Place{answered, changing}, unasked...), "no proposal of ours is open"},
	{[]Input{GotReferProgress, GotReferResult}, []Place{answered}, "we have sent no REFER yet"},
	{
		[]Input{Prepared, PrepareFailed},
		slices.Concat(unborn, []Place{inviting, ringing, canceling, answered, calm, changing, offering, proposing, recalling, proposed}),
		"nothing is being prepared",
	},
	{[]Input{RingTimeout, GlareTimeout, ProposalTimeout}, noCall, "the timer was not started"},
	{[]Input{RingTimeout}, []Place{inviting, canceling}, "only incoming calls have it"},
	{[]Input{EndTimeout}, slices.Concat(noCall, []Place{inviting, ringing, accepting}, confirming), "the end was not asked for"},
	{[]Input{GlareTimeout, ProposalTimeout}, append([]Place{answered}, noDialog...), "the timer was not started"},
	{[]Input{AddressChanged}, unborn, "the session is not among those that are told"},
}

// impossible tells why in cannot come at p, or "".
func impossible(p Place, in Input) string {
	for _, n := range never {
		if slices.Contains(n.on, in) && slices.Contains(n.in, p) {
			return n.why
		}
	}
	return ""
}
