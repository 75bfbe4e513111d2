// Package proxy leads requests to what listens inside sandboxes: to toolboxes,
// below /toolbox/ and where older clients look for them, and to the servers of
// users, which are previews.
//
// What answers is in the hands of whoever uses the sandbox, so nothing of it
// counts as ours. What a toolbox sends shares our origin: it sees no credential
// of the caller, sets no cookie, sends nobody elsewhere, and cannot run as a page.
// A preview has a host of its own, where it may do as it likes; it sees none of
// our keys, tokens and cookies, sets none, and reaches no further than its host.
//
// # Who sees a preview?
//
// Everyone, where the sandbox is public, but for the reserved ports. Else whoever
// shows the sandbox's token in a header or in the query, an API key, or has a
// signed address. A browser whose user is signed in to the app is sent there and
// comes back with a code that is good once; the cookie that it gets for it lets
// in to one port of one run of the sandbox, for the sandbox's own pages.
//
// # What of paths?
//
// On the previews' own listener /p/<sandbox or token>/<port>/ leads to a port as
// well, for where host names do not reach the server. A browser that was let in
// has what the cookie would say in its path, behind the sandbox and a dot: it ends
// just as the cookie does.
//
// All of these share one host, and with it what browsers keep by host or origin.
// So a policy gives each page an opaque origin: it reads no storage, no cookie and
// no other page, has no service worker, and its cookies go with pages that are
// opened, not with what they load. Apps that need storage need a host. Redirects
// and the paths of cookies are led below the prefix; links that begin with a slash
// are not. Browsers do not tell ports of a host apart for cookies: what an app
// sets here is bound to its own path, and ours are taken out of what it sees.
package proxy
