/** So many answers that tell what is new take about as long as one that tells all there is, as which that counts. */
export const WHOLE_SYNC = 20
