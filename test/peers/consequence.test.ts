import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consequenceOf } from '../../src/peers/index.ts'

test('faults of the network cost a peer its turn', () => {
  const codes = [
    'RPC_TIMEOUT',
    'RPC_STREAM_TORN',
    'RPC_NOT_CONNECTED',
    'RPC_UNAVAILABLE',
    'RPC_RATE_LIMITED',
    'RPC_NOT_FOUND'
  ]
  for (const code of codes) assert.equal(consequenceOf(code), 'backoff', code)
})

test('violations of the protocol are penalties', () => {
  const codes = [
    'RPC_OVERSIZE_FRAME',
    'RPC_BAD_FRAME',
    'RPC_UNEXPECTED_FRAME',
    'RPC_TOO_MANY_STREAMS',
    'RPC_INVALID_REQUEST',
    'WIRE_MALFORMED',
    'COMMITS_EMPTY'
  ]
  for (const code of codes) assert.equal(consequenceOf(code), 'penalty', code)
})

test('data that is objectively wrong is a ban', () => {
  const codes = [
    'BLOCK_MALFORMED',
    'BLOCK_WRONG_REF',
    'BLOCK_BAD_SIGNATURE',
    'COMMITS_BROKEN_CHAIN',
    'CERTIFIERS_WITHOUT_QUORUM'
  ]
  for (const code of codes) assert.equal(consequenceOf(code), 'ban', code)
})

test('what a quorum certified, and what is our own fault, bans nobody', () => {
  const codes = [
    'ASSEMBLY_TIMESTAMP_REGRESSED',
    'BLOCK_UNKNOWN_EPOCH',
    'STORAGE_WRITE_FAILED',
    'AbortError',
    'toString'
  ]
  for (const code of codes) assert.equal(consequenceOf(code), 'none', code)
})
