import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { formatReport } from '../../examples/cli/format-report.ts'
import { idleReport } from './idle-report.ts'

const format = (report: Partial<typeof idleReport>) =>
  stripVTControlCharacters(formatReport({ ...idleReport, ...report }, process.stdout))

test('a node that has nothing to serve yet says so', () => {
  assert.match(format({ highestCertifiable: 0, lowestAvailable: 1 }), /^serves +no commits yet$/m)
  assert.match(format({ highestCertifiable: 7 }), /^serves +commits 1 to 7$/m)
})

test('a peer is listed with who dialled, where its addresses come from, its height, age and score', () => {
  const peer = {
    peerId: '12D3KooX',
    address: '/ip4/192.0.2.7/tcp/9000',
    direction: 'outbound',
    source: 'gossip',
    connectedMs: 61_000,
    isProtected: false,
    score: { bytesPerMinute: 2_048, penalty: 0 },
    highestCommit: 12,
    lowestCommit: 1
  } as const
  const kept = {
    ...peer,
    address: '/ip4/192.0.2.7/tcp/9000/p2p/12D3KooX',
    source: 'committee',
    isProtected: true,
    score: { bytesPerMinute: 0, penalty: 1.26 }
  } as const
  const stranger = { ...peer, direction: 'inbound', source: 'inbound', highestCommit: undefined } as const
  const text = format({
    peers: [peer, kept, stranger],
    knownPeers: 9,
    discovery: { ...idleReport.discovery, isIsolated: false, bySource: { ...idleReport.discovery.bySource, gossip: 9 } }
  })
  assert.match(text, /^peers +3 connected, 9 known \(gossip 9\)$/m)
  assert.match(
    text,
    /^ +12D3KooX \/ip4\/192\.0\.2\.7\/tcp\/9000\n +outbound, gossip, at 12, for 1 min 1 s, 2\.0 KiB\/min$/m
  )
  assert.match(
    text,
    /^ +12D3KooX \/ip4\/192\.0\.2\.7\/tcp\/9000\n +outbound, committee, at 12, for 1 min 1 s, 0\.0 KiB\/min, penalty 1\.3, kept$/m
  )
  assert.match(text, /^ +inbound, height unknown, for 1 min 1 s, 2\.0 KiB\/min$/m)
})

test('a peer that is to be kept and not reached is named', () => {
  const text = format({ discovery: { ...idleReport.discovery, lacking: ['12D3KooX'] } })
  assert.match(text, /^ +12D3KooX is to be kept and not reached$/m)
})

test('a node with too few peers says that it looks for more', () => {
  assert.match(format({}), /^peers +0 connected and looking for more, 0 known$/m)
})
