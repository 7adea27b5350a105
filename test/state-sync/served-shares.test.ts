import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServedShares } from '../../src/state-sync/served-shares.ts'
import { randomPeer } from './random-peer.ts'

describe('ServedShares', () => {
  it('finds who serves a crumb at a time', async () => {
    const shares = new ServedShares()
    const peer = await randomPeer()
    assert.equal(shares.of(peer), 1)
    for (let count = 0; count < 10; count++) shares.count(peer, { asked: 100, served: 1, epoch: 0 })
    assert.ok(shares.of(peer) < 0.15, `${shares.of(peer)}`)
  })

  it('lets the short answer at the end of each epoch pass', async () => {
    const shares = new ServedShares()
    const peer = await randomPeer()
    for (let epoch = 0; epoch < 50; epoch++) shares.count(peer, { asked: 100, served: 30, epoch })
    assert.equal(shares.of(peer), 1)
  })

  it('weighs by what was asked: small ranges, and a single short answer, prove little', async () => {
    const shares = new ServedShares()
    const peer = await randomPeer()
    for (let count = 0; count < 3; count++) shares.count(peer, { asked: 2, served: 1, epoch: 0 })
    shares.count(peer, { asked: 100, served: 60, epoch: 0 })
    assert.ok(shares.of(peer) > 0.75, `${shares.of(peer)}`)
    for (let count = 0; count < 30; count++) shares.count(peer, { asked: 100, served: 100, epoch: 0 })
    assert.ok(shares.of(peer) > 0.98, 'and fade')
  })
})
