import type { WireErrorCode } from '../../../src/runtime/wire-error.ts'

interface InvalidMessage {
  readonly what: string
  readonly message: string
  readonly bytes: string
  readonly code: WireErrorCode
}

const DIGEST = '11'.repeat(32)
const BLOCK_REF = `2220${DIGEST}`
const COMMIT_REF = `1220${DIGEST}`

const cases: InvalidMessage[] = [
  { what: 'cut short within a varint', message: 'FetchCommitsRequest', bytes: '0880', code: 'WIRE_MALFORMED' },
  { what: 'cut short within bytes', message: 'CommitRef', bytes: '12201111', code: 'WIRE_MALFORMED' },
  { what: 'a field twice', message: 'FetchCommitsRequest', bytes: '08010801', code: 'WIRE_MALFORMED' },
  {
    what: 'a submessage twice',
    message: 'GetCommitInfoResponse',
    bytes: `0a22${COMMIT_REF}0a22${COMMIT_REF}`,
    code: 'WIRE_MALFORMED'
  },
  { what: 'another wire type', message: 'FetchCommitsRequest', bytes: '0d01000000', code: 'WIRE_MALFORMED' },
  { what: 'a group', message: 'FetchCommitsRequest', bytes: '080110017b7c', code: 'WIRE_MALFORMED' },
  { what: 'wire type 6', message: 'FetchCommitsRequest', bytes: '7e', code: 'WIRE_MALFORMED' },
  { what: 'field number 0', message: 'FetchCommitsRequest', bytes: '0001', code: 'WIRE_MALFORMED' },
  {
    what: 'a varint of eleven bytes',
    message: 'FetchCommitsRequest',
    bytes: `08${'80'.repeat(10)}00`,
    code: 'WIRE_MALFORMED'
  },
  {
    what: 'a varint of eleven bytes in an unknown field',
    message: 'FetchCommitsRequest',
    bytes: `78${'80'.repeat(10)}00`,
    code: 'WIRE_MALFORMED'
  },
  { what: 'a tag of six bytes', message: 'FetchCommitsRequest', bytes: '88808080800001', code: 'WIRE_MALFORMED' },
  { what: 'text that is not UTF-8', message: 'Status', bytes: '1202c328', code: 'WIRE_MALFORMED' },
  { what: 'two members of a oneof', message: 'GetCommitInfoRequest', bytes: '08011001', code: 'WIRE_MALFORMED' },
  { what: 'no member of a oneof', message: 'GetCommitInfoRequest', bytes: '', code: 'WIRE_MISSING_FIELD' },
  { what: '2^53', message: 'FetchCommitsRequest', bytes: '0880808080808080' + '10', code: 'WIRE_UNSAFE_INTEGER' },
  {
    what: '2^64 - 1',
    message: 'FetchCommitsRequest',
    bytes: `08${'ff'.repeat(9)}01`,
    code: 'WIRE_UNSAFE_INTEGER'
  },
  { what: '2^32 in a uint32', message: 'BlockRef', bytes: `108080808010${BLOCK_REF}`, code: 'WIRE_UNSAFE_INTEGER' },
  { what: '2^31 in an enum', message: 'Status', bytes: '088080808008', code: 'WIRE_UNSAFE_INTEGER' },
  { what: 'a digest of 31 bytes', message: 'CommitRef', bytes: `121f${'11'.repeat(31)}`, code: 'WIRE_TOO_LONG' },
  { what: 'a digest of 33 bytes', message: 'CommitRef', bytes: `1221${'11'.repeat(33)}`, code: 'WIRE_TOO_LONG' },
  { what: 'text over its length', message: 'Capability', bytes: `0a41${'61'.repeat(65)}`, code: 'WIRE_TOO_LONG' },
  { what: 'an item too many', message: 'NodeInfo', bytes: '1200'.repeat(9), code: 'WIRE_TOO_MANY' },
  { what: 'no digest', message: 'CommitRef', bytes: '0801', code: 'WIRE_MISSING_FIELD' },
  { what: 'no leader', message: 'Commit', bytes: `1220${DIGEST}`, code: 'WIRE_MISSING_FIELD' }
]

/** Messages that decoders must take although they look odd. */
const odd = [
  { what: 'fields in descending order', message: 'FetchCommitsRequest', bytes: '10020801', same_as: '08011002' },
  { what: 'zeros written out', message: 'FetchCommitsRequest', bytes: '08001000', same_as: '' },
  { what: 'a varint longer than it needs be', message: 'FetchCommitsRequest', bytes: '08818000', same_as: '0801' },
  {
    what: 'unknown fields of every wire type that is not a group',
    message: 'FetchCommitsRequest',
    bytes: '780179000000000000000008017a0161' + '7d00000000',
    same_as: '0801'
  },
  { what: '2^53 - 1', message: 'FetchCommitsRequest', bytes: '08ffffffffffffff0f', same_as: '08ffffffffffffff0f' },
  { what: 'an empty field that has presence', message: 'ResponseFrame', bytes: '0a00', same_as: '0a00' }
]

export function invalidMessageVectors(): unknown {
  return {
    about:
      'Bytes that are not the message that they are said to be, with the code of the reason in the implementation that made them; and odd ones that mean the same as others.',
    invalid: cases,
    odd
  }
}
