package storage

import "time"

// callKeys is every setting about calls, in the order of the file.
var callKeys = []Key[Settings]{
	{
		Name: "calls.ring_timeout", Doc: "How long an incoming call rings, in seconds.", rule: between(5, 3600).in(time.Second),
		ref: func(s *Settings) any { return &s.Calls.RingTimeout },
	},
	{
		Name: "calls.call_waiting", Doc: "During a call, let others ring. If false they get busy.",
		ref: func(s *Settings) any { return &s.Calls.CallWaiting },
	},
	{
		Name: "calls.direct_calls", Doc: "Accept calls to this computer's address that come through no account.",
		ref: func(s *Settings) any { return &s.Calls.DirectCalls },
	},
	{
		Name: "calls.recording_dir", Doc: "Folder for recordings. Empty: recordings, beside this file.", rule: pathRule,
		ref: func(s *Settings) any { return &s.Calls.RecordingDir },
	},
	{
		Name: "calls.history_days", Doc: "Calls older than this many days are forgotten, but for those with a recording. 0: never.", rule: between(0, 36500),
		ref: func(s *Settings) any { return &s.Calls.HistoryDays },
	},
	{
		Name: "calls.ringtone", Doc: "A WAV file. Empty: the built-in tone.", rule: pathRule,
		ref: func(s *Settings) any { return &s.Calls.Ringtone },
	},
	{
		Name: "calls.do_not_disturb", Doc: "Callers get busy, or are forwarded as if the line were busy.",
		ref: func(s *Settings) any { return &s.Calls.DoNotDisturb },
	},
	{
		Name: "calls.reject", Doc: "Whose calls are turned away: addresses, numbers, *@domain, or how numbers begin and *.", rule: patternRule,
		ref: func(s *Settings) any { return &s.Calls.Reject },
	},
	{
		Name: "calls.reject_anonymous", Doc: "Turn away callers that hide who they are.",
		ref: func(s *Settings) any { return &s.Calls.RejectAnonymous },
	},
	{
		Name: "calls.contacts_only", Doc: "Turn away callers that are not in the contacts.",
		ref: func(s *Settings) any { return &s.Calls.ContactsOnly },
	},
	{
		Name: "calls.forwarding", Doc: "Forward every call to forward_to.",
		ref: func(s *Settings) any { return &s.Calls.Forwarding },
	},
	{
		Name: "calls.forward_to", Doc: "Number or address to which forwarding sends calls.", rule: targetRule,
		ref: func(s *Settings) any { return &s.Calls.ForwardTo },
	},
	{
		Name: "calls.forward_busy_to", Doc: "Where callers go that would get busy. Empty: they get busy.", rule: targetRule,
		ref: func(s *Settings) any { return &s.Calls.ForwardBusyTo },
	},
	{
		Name: "calls.forward_no_answer_to", Doc: "Where calls go that are not answered in time. Empty: nowhere.", rule: targetRule,
		ref: func(s *Settings) any { return &s.Calls.ForwardNoAnswerTo },
	},
	{
		Name: "calls.forward_after", Doc: "How long a call rings before it goes there, in seconds.", rule: between(1, 3600).in(time.Second),
		ref: func(s *Settings) any { return &s.Calls.ForwardAfter },
	},
	{
		Name: "calls.auto_answer", Doc: "Answer calls by itself, with audio only, if no other call is going on.",
		ref: func(s *Settings) any { return &s.Calls.AutoAnswer },
	},
	{
		Name: "calls.auto_answer_after", Doc: "How long such a call rings before, in seconds.", rule: between(0, 3600).in(time.Second),
		ref: func(s *Settings) any { return &s.Calls.AutoAnswerAfter },
	},
	{
		Name: "calls.auto_answer_from", Doc: "Whose calls are answered so, in the form of reject. Empty: everybody's.", rule: patternRule,
		ref: func(s *Settings) any { return &s.Calls.AutoAnswerFrom },
	},
	{
		Name: "calls.answer_after_header", Doc: "Answer by itself where the call asks for it, as intercoms do, if the caller is in auto_answer_from or a contact that may.",
		ref: func(s *Settings) any { return &s.Calls.AnswerAfterHeader },
	},
	{
		Name: "calls.transfers", Doc: "What to do when the other side of a call sends it on to somebody else. Calls that come through no account always ask.", rule: words(TransfersAllow, TransfersAsk, TransfersDeny),
		ref: func(s *Settings) any { return &s.Calls.Transfers },
	},
	{
		Name: "calls.follow_redirects", Doc: "Call the other address when somebody called has one and the server says so.",
		ref: func(s *Settings) any { return &s.Calls.FollowRedirects },
	},
}
