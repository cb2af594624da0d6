/** Whether this call has written or applied the decision; false if an earlier one did. */
export interface IsNew {
  isNew?: boolean;
}
