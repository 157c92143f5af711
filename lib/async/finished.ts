/**
 * The reason with which a wait ends that is needed no longer, and that nobody looks at. Without one, each `abort()` makes a
 * DOMException with its stack, and a request ends several waits.
 */
export const finished = new Error('The wait is over.');
