import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatReport } from '../../examples/cli/format-report.ts'

test('a node that has nothing to serve yet says so', () => {
  const report = {
    pid: 1,
    version: '0.1.0',
    peerId: '12D3KooW',
    chainId: '',
    addresses: [],
    role: 'full',
    uptimeMs: 0,
    epoch: 0,
    highestSynced: { index: 0, digest: '' },
    highestCertifiable: 0,
    lowestAvailable: 1,
    highestKnown: 0,
    cursors: {},
    bytesInFlight: 0,
    rangesInFlight: 0,
    synced: { commits: 0, blocks: 0, bytes: 0 },
    peers: [],
    knownPeers: 0,
    health: {}
  } as const
  assert.match(formatReport(report, process.stdout), /^serves +no commits yet$/m)
  const later = { ...report, highestCertifiable: 7 }
  assert.match(formatReport(later, process.stdout), /^serves +commits 1 to 7$/m)
})
