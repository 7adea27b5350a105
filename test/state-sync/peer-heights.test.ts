import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PeerHeights } from '../../src/state-sync/peer-heights.ts'
import { randomPeer } from './random-peer.ts'

describe('PeerHeights', () => {
  it('lists the peers that have a commit, by highest and lowest', async () => {
    const heights = new PeerHeights(() => 0)
    const [a, b] = [await randomPeer(), await randomPeer()]
    heights.claim(a, 10, 1)
    heights.claim(b, 20, 15)
    assert.deepEqual(
      heights.having(10).map(({ peer }) => peer),
      [a]
    )
    assert.deepEqual(heights.having(12), [])
    assert.deepEqual(
      heights.having(15).map(({ peer }) => peer),
      [b]
    )
    assert.equal(heights.highestClaimed, 20)
  })

  it('lets a claim go down as well as up, and moves no other row', async () => {
    const heights = new PeerHeights(() => 0)
    const [honest, liar] = [await randomPeer(), await randomPeer()]
    heights.claim(honest, 10, 1)
    heights.claim(liar, Number.MAX_SAFE_INTEGER, 1)
    assert.deepEqual(heights.get(honest), { peer: honest, highest: 10, lowest: 1 })
    heights.claim(liar, 3, 1)
    assert.equal(heights.highestClaimed, 10)
  })

  it('takes a lowest above the highest as having nothing', async () => {
    const heights = new PeerHeights(() => 0)
    const peer = await randomPeer()
    heights.claim(peer, 5, 9)
    assert.deepEqual(heights.having(5), [])
    assert.deepEqual(heights.having(7), [])
    assert.equal(heights.highestClaimed, 0)
  })

  it('does not believe what was not delivered, for a while, whatever is claimed again', async () => {
    let now = 0
    const heights = new PeerHeights(() => now)
    const peer = await randomPeer()
    heights.claim(peer, 100, 1)
    heights.notDelivered(peer, 51)
    heights.claim(peer, 200, 1)
    assert.equal(heights.get(peer)?.highest, 50)
    now = 10_000
    assert.equal(heights.get(peer)?.highest, 200)
  })

  it('believes less and less long what is never delivered, over its connections too', async () => {
    let now = 0
    const heights = new PeerHeights(() => now)
    const peer = await randomPeer()
    const disbeliefs = []
    for (let count = 0; count < 8; count++) {
      heights.claim(peer, 100, 1)
      heights.notDelivered(peer, 51)
      const since = now
      while (heights.get(peer)?.highest !== 100) now += 1_000
      disbeliefs.push((now - since) / 1_000)
      heights.forget(peer)
    }
    assert.deepEqual(disbeliefs, [10, 20, 40, 80, 160, 300, 300, 300])
    now += 15 * 60_000
    heights.claim(peer, 100, 1)
    heights.notDelivered(peer, 51)
    now += 10_000
    assert.equal(heights.get(peer)?.highest, 100, 'and forgets in time')
  })

  it('takes for likely what a lone peer claims, until it fails and others say otherwise', async () => {
    const heights = new PeerHeights(() => 0)
    const [liar, newcomer, honest] = await Promise.all([randomPeer(), randomPeer(), randomPeer()])
    heights.claim(liar, 1_000_000, 1)
    assert.equal(heights.highestKnown(500), 1_000_000)
    heights.asked(liar, false)
    heights.claim(newcomer, 20, 1)
    assert.equal(heights.highestKnown(500), 1_000_000, 'who is behind us cannot know')
    heights.claim(honest, 510, 1)
    assert.equal(heights.highestKnown(500), 510)
    heights.claim(newcomer, 1_000_000, 1)
    assert.equal(heights.highestKnown(500), 1_000_000, 'more claim it')
    heights.asked(honest, true)
    assert.equal(heights.highestKnown(500), 510, 'but none of them has delivered')
    heights.asked(liar, true)
    assert.equal(heights.highestKnown(500), 1_000_000)
  })

  it('never lowers a claim by a push, and forgets a peer that left', async () => {
    const heights = new PeerHeights(() => 0)
    const peer = await randomPeer()
    heights.claim(peer, 100, 1)
    heights.reached(peer, 90, 1)
    assert.equal(heights.highestClaimed, 100)
    heights.reached(peer, 101, 1)
    assert.equal(heights.highestClaimed, 101)
    heights.forget(peer)
    assert.deepEqual(heights.all(), [])
  })
})
