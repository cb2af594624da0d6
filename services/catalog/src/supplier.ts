/** A supplier, as this service stores it and as the resolvers pass it on. */
export interface SupplierRow {
  id: string;
  name: string;
  email: string | null;
  phone: string | null;
  deliveries: number;
  createdAt: Date;
  updatedAt: Date;
}
