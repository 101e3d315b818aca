-- What a ledger of schema 0002 may hold: two letters, a submission, a case that waits for a person.
INSERT INTO people (id, nik, kk, name, birth_date, sex, kelurahan)
VALUES (1, '3674064101900001', '3674060101100001', 'Siti Contoh', '1990-01-01', 'P', '36.74.06.1001');

INSERT INTO cases (
    case_number, person_id, city, track, kecamatan, received_at, registered_at, need_kind, facility, letter_number,
    letter_date, deactivated_on, step, attempt, waiting_on, since, health, sla_state, escalation_level, last_seq
) VALUES (
    'PBI-3674-2026-000001', 1, '3674', 'emergency', 'Pamulang', '2026-03-02 01:00:00.000000+00:00', '2026-03-02 01:00:00.000000+00:00', 'chronic', 'RS Contoh', '1',
    '2026-02-27', '2026-02-01', 'siks_ng_upload', 2, 'siks_ng', '2026-03-02 01:00:00.000000+00:00', 'stuck', 'on_track', 0, 1
);

INSERT INTO case_events (case_number, seq, kind, at, recorded_at, facts)
VALUES ('PBI-3674-2026-000001', 1, 'case.registered', '2026-03-02 01:00:00.000000+00:00', '2026-03-02 01:00:00.000000+00:00', '{}');

INSERT INTO recommendations (case_number, attempt, number, issued_on) VALUES
('PBI-3674-2026-000001', 1, 'REK-3674-2026-000001', '2026-03-02'),
('PBI-3674-2026-000001', 2, 'REK-3674-2026-000002', '2026-03-02');

INSERT INTO counters (name, value) VALUES ('recommendation:3674:2026', 2);

INSERT INTO submissions (case_number, attempt, reference, submitted_at)
VALUES ('PBI-3674-2026-000001', 1, 'S-1', '2026-03-02 01:00:00.000000+00:00');

INSERT INTO desk_items (case_number, opened_seq, step, attempt, reason, opened_at)
VALUES ('PBI-3674-2026-000001', 9, 'siks_ng_upload', 2, 'BadReply', '2026-03-02 01:00:00.000000+00:00');

INSERT INTO people (id, nik, kk, name, birth_date, sex, kelurahan)
VALUES (2, '3674064101900002', '3674060101100002', 'Budi Contoh', '1990-01-01', 'L', '36.74.06.1001');

INSERT INTO cases (
    case_number, person_id, city, track, kecamatan, received_at, registered_at, need_kind, facility, letter_number,
    letter_date, deactivated_on, step, attempt, waiting_on, since, health, sla_state, escalation_level, last_seq,
    outcome, closed_at
) VALUES (
    'PBI-3674-2026-000002', 2, '3674', 'emergency', 'Pamulang', '2026-03-02 01:00:00.000000+00:00', '2026-03-02 01:00:00.000000+00:00', 'chronic', 'RS Contoh', '2',
    '2026-02-27', '2026-02-01', 'document_check', 1, 'nobody', '2026-03-02 01:00:00.000000+00:00', 'ok', 'met', 0, 1,
    'withdrawn', '2026-03-02 01:00:00.000000+00:00'
);

INSERT INTO alerts (key, case_number, kind, level, step, kecamatan, raised_at) VALUES
('open', 'PBI-3674-2026-000001', 'case.stuck', 0, 'siks_ng_upload', 'Pamulang', '2026-03-02 01:00:00.000000+00:00'),
('over', 'PBI-3674-2026-000002', 'sla.warning', 0, 'document_check', 'Pamulang', '2026-03-02 01:00:00.000000+00:00');
