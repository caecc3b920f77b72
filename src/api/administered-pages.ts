/** Entries of one answer at most. */
const MAX_ENTRIES = 1000

/** Which part of a list is wanted, from which of its ends. */
export interface ListPart {
  readonly from: number
  readonly limit: number
  readonly isDescending: boolean
}

/** The part of a list that a query asks for. */
export const partOf = ({
  from,
  limit,
  dir,
}: {
  readonly from: number
  readonly limit: number
  readonly dir: 'f' | 'b'
}): ListPart => ({ from, limit: Math.min(limit, MAX_ENTRIES), isDescending: dir === 'b' })

/** Where a list of so many goes on after so many that were shown of a part; `undefined` at its end. */
export const nextOf = ({ from, limit }: ListPart, shown: number, total: number): number | undefined =>
  from + limit < total ? from + shown : undefined
