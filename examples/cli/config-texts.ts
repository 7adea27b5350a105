/** One key of the configuration, for people. */
export interface ConfigKeyText {
  /** What holds without it, as README.md has it: a value where the configuration could say the same. Empty where the key must be there. */
  readonly fallback: string
  /** What it is, in Markdown. */
  readonly text: string
}

/** Every key of the configuration, as README.md's table has it. */
export const CONFIG_TEXTS: Readonly<Record<string, ConfigKeyText>> = {
  genesis: { fallback: '', text: 'genesis file of the chain; the only key that must be there' },
  key: { fallback: 'made in the data directory', text: "key file; a validator's makes the node that validator" },
  dataDir: { fallback: '`soma-data`', text: 'directory of everything that the node keeps' },
  listen: { fallback: '`[/ip4/127.0.0.1/tcp/0]`', text: 'multiaddrs to listen on' },
  announce: { fallback: 'those listened on', text: 'multiaddrs to announce, behind a NAT or proxy' },
  seeds: {
    fallback: '`[]`',
    text: 'multiaddrs, with peer ids, of nodes to begin with, and to return to when others are lacking'
  },
  peers: { fallback: '`[]`', text: 'multiaddrs, with peer ids, of nodes to be connected to always' },
  'network.targetConnections': {
    fallback: '20',
    text: 'peers that discovery aims for; it dials at least half of them itself'
  },
  'network.maxConnections': {
    fallback: '100',
    text: 'most peers; beyond it, the one without protection that delivered least is parted from'
  },
  'network.maxConnectionsPerSubnet': {
    fallback: '5',
    text: 'most peers without protection of one subnet (/24, /48), and at most half of `network.targetConnections`; private ranges are not counted'
  },
  'network.committeePeers': {
    fallback: '4',
    text: 'validators that a full node stays connected to; a validator stays connected to all the others'
  },
  'network.discoveryIntervalMs': { fallback: '5000', text: 'milliseconds between rounds of discovery' },
  'network.encryption': {
    fallback: '`noise`',
    text: '`tls` prefers TLS 1.3 when it dials, and takes either from who dials it, for platforms on which noise has no native cipher; noise is always spoken'
  },
  'network.privateNetwork': {
    fallback: 'true if it listens on private addresses only',
    text: 'whether addresses of private ranges are taken from gossip'
  },
  'network.allowlist': {
    fallback: '`[]`',
    text: 'who always gets in: peer ids, or, as in `/ip4/192.0.2.7/p2p/12D3KooW...`, addresses that may moreover begin as many connections as they like. All other hosts but those of named peers and validators may begin five a second'
  },
  'network.private': {
    fallback: 'false',
    text: 'whether nobody else may connect to it, but those under `peers`, not the committee either; it dials whom it likes'
  },
  'network.accessType': {
    fallback: '`public`',
    text: 'who may learn of the node: everyone (`public`), those under `peers` and whom they trust (`trusted`), those under `peers` only (`private`)'
  },
  'network.dht': { fallback: 'true', text: "whether it takes part in the chain's DHT; only public nodes serve it" },
  'sync.heightQueryIntervalMs': { fallback: '5000', text: 'milliseconds between height queries to a peer' },
  'sync.commitsPerRange': { fallback: '100', text: 'commits of one range, fetched from one peer' },
  'sync.maxRangesInFlight': { fallback: '8', text: 'ranges under way at once' },
  'sync.stallMs': {
    fallback: '3000',
    text: 'milliseconds that all may wait for one slow peer before another is asked'
  },
  'sync.stuckMs': {
    fallback: '10000',
    text: 'milliseconds that the chain may stand, where it should come on, before the log says why'
  },
  'sync.maxBytesInFlight': { fallback: '134217728', text: 'bytes fetched and not yet stored, for all of the sync' },
  'sync.maxExecutorLead': { fallback: 'no bound', text: 'commits that the sync may run ahead of the executor' },
  'sync.signatureWorkers': { fallback: 'number of cores', text: 'threads that check signatures' },
  'sync.keepCommits': { fallback: 'keeps everything', text: 'commits to keep; older ones are pruned once executed' },
  'sync.verification': {
    fallback: '`full`',
    text: 'how much of what a quorum certified is verified anew: everything, or (`certified`) the certification, digests and hand-overs only, which trusts two thirds of the stake for signatures and transactions'
  },
  'sync.handOver': {
    fallback: '`proof`',
    text: "how an epoch hands over: by the proof in its last commit, or (`inserted`) by a committee that the executing node inserts; the command line's ledger does where `scripted.epochCommits` and `scripted.keys` tell it who comes next"
  },
  'sync.checkpoint': {
    fallback: 'none',
    text: "file of a checkpoint (`soma-p2p checkpoint`) that an empty node begins at, and against which nothing is accepted; the example's ledger cannot begin there: set `executor` to `none`"
  },
  'http.listen': {
    fallback: '`127.0.0.1:0`',
    text: 'address and port of the [status page](docs/status.md), `/metrics` and `/healthz`, or `off`; port 0 takes a free one. Whoever reaches it may read: leave it on the loopback, or behind a proxy that asks who is there'
  },
  consensus: { fallback: '`none`', text: "`scripted` makes a chain, where all validators' keys are at hand" },
  'scripted.keys': { fallback: "the node's own", text: 'key files of all validators' },
  'scripted.seed': { fallback: '1', text: 'what the chain follows from' },
  'scripted.transactions': { fallback: '10', text: 'transactions of a block' },
  'scripted.transactionBytes': { fallback: '400', text: 'bytes of an opaque transaction' },
  'scripted.roundIntervalMs': { fallback: '250', text: 'milliseconds between rounds' },
  'scripted.epochCommits': {
    fallback: 'one epoch without an end',
    text: 'commits of an epoch; all nodes that make the chain have the same'
  },
  'scripted.rotation': {
    fallback: 'true',
    text: 'whether one of several validators in turn sits out an epoch, which it follows like a full node: then all of them have to run'
  },
  transactions: {
    fallback: '`opaque`',
    text: 'what blocks carry: bytes that nobody reads, or (`certified`) certified transfers, which the node verifies and the ledger executes'
  },
  executor: { fallback: '`ledger`', text: "what consumes the commits: the example's ledger, or `none`" },
  'log.level': { fallback: '`info`', text: '`silent`, `fatal`, `error`, `warn`, `info`, `debug` or `trace`' },
  'log.components': {
    fallback: '`{}`',
    text: 'levels by component: `soma-p2p`, or its `:node`, `:rpc`, `:peers`, `:discovery`, `:dht` or `:state-sync`; libp2p is silent unless `libp2p`, or a part such as `libp2p:tcp`, is named'
  }
}
